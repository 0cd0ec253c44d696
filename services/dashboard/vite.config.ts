import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const gateway = process.env["TM_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: "tidemill_dashboard/built",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    manifest: "manifest.json",
    target: "es2023",
  },
  server: {
    proxy: {
      "/v1": { target: gateway, ws: true, changeOrigin: true },
      "/docs": { target: gateway },
    },
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
