/** The frame around every page: navigation, connection, who is signed in. */
import { AppShell, Burger, Group, Skeleton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect } from "react";
import { onSession, signedIn } from "@/api/session";
import { start, stop } from "@/live/feed";
import { LiveState } from "@/shell/LiveState";
import { Mark } from "@/shell/Mark";
import { Navigation } from "@/shell/Navigation";
import { OfflineBanner } from "@/shell/OfflineBanner";

/** Menus and what places them come after the page. */
const UserMenu = lazy(async () => ({ default: (await import("@/shell/UserMenu")).UserMenu }));

export function Shell() {
  const [opened, { toggle, close }] = useDisclosure(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  useFeed();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page closes the drawer
  useEffect(close, [path]);
  return (
    <AppShell
      header={{ height: 48 }}
      navbar={{ width: 200, breakpoint: "sm", collapsed: { mobile: !opened } }}
      padding="md"
    >
      <AppShell.Header bg="var(--tm-panel)" style={{ borderColor: "var(--tm-line)" }}>
        <Group h="100%" px="sm" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger
              opened={opened}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label="Navigation"
            />
            <Mark />
          </Group>
          <Group gap="sm" wrap="nowrap">
            <LiveState />
            <Suspense fallback={<Skeleton circle height={28} />}>
              <UserMenu />
            </Suspense>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar
        p="xs"
        className="scroller"
        bg="var(--tm-panel)"
        style={{ borderColor: "var(--tm-line)" }}
      >
        <Navigation />
      </AppShell.Navbar>
      <AppShell.Main>
        <OfflineBanner />
        <Suspense fallback={<Skeleton h={240} />}>
          <Outlet />
        </Suspense>
      </AppShell.Main>
    </AppShell>
  );
}

/** The stream lives as long as somebody is signed in; without a session there is only the door. */
function useFeed(): void {
  const client = useQueryClient();
  const navigate = useNavigate();
  useEffect(() => {
    const leave = () => void navigate({ to: "/sign-in", search: {} });
    start(client, leave);
    const unwatch = onSession(() => {
      if (!signedIn()) leave();
    });
    return () => {
      unwatch();
      stop();
      client.clear();
    };
  }, [client, navigate]);
}
