/** Everything around the pages: colours, notes, kept answers, addresses. */
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { lazy, Suspense } from "react";
import { queries } from "@/api/queries";
import { router } from "@/router";
import { theme, variables } from "@/theme/theme";

const Notes = lazy(async () => ({ default: (await import("@/shell/Notes")).Notes }));
const nonce = document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')?.content ?? "";
const colors = localStorageColorSchemeManager({ key: "tidemill-colors" });
setNonce(nonce);

export function App() {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      colorSchemeManager={colors}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <Suspense fallback={null}>
        <Notes />
      </Suspense>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  );
}
