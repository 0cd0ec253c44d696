/** Colours and sizes: calm, dense, with enough contrast in both schemes. */
import {
  Anchor,
  Badge,
  Button,
  type CSSVariablesResolver,
  createTheme,
  type MantineColorsTuple,
  Modal,
  Table,
  Tooltip,
} from "@mantine/core";

const tide: MantineColorsTuple = [
  "#e3f6f9",
  "#c9e9ef",
  "#9bd5e0",
  "#68bfd0",
  "#43abc1",
  "#2a9ab2",
  "#138099",
  "#0b6a7d",
  "#075867",
  "#034450",
];
const dark: MantineColorsTuple = [
  "#d9e1e8",
  "#aeb9c4",
  "#8b98a5",
  "#5d6975",
  "#3a4450",
  "#28313b",
  "#1b232c",
  "#12181f",
  "#0d1218",
  "#080c10",
];

export const theme = createTheme({
  colors: { tide, dark },
  primaryColor: "tide",
  primaryShade: 7,
  defaultRadius: 6,
  respectReducedMotion: true,
  fontFamily: '"Inter Variable", system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, monospace',
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.25rem" },
  headings: {
    fontWeight: "620",
    sizes: { h1: { fontSize: "1.25rem" }, h2: { fontSize: "0.9375rem" } },
  },
  components: {
    Anchor: Anchor.extend({ defaultProps: { underline: "hover" } }),
    Badge: Badge.extend({
      defaultProps: { variant: "default", radius: "sm", tt: "none", fw: 500 },
    }),
    Button: Button.extend({ defaultProps: { size: "xs" } }),
    Modal: Modal.extend({
      defaultProps: {
        centered: true,
        transitionProps: { duration: 120 },
        closeButtonProps: { "aria-label": "Close" },
      },
    }),
    // else each dialog has a banner of its own, beside the page's
    ModalHeader: Modal.Header.extend({ defaultProps: { role: "presentation" } }),
    Table: Table.extend({
      defaultProps: { verticalSpacing: 7, horizontalSpacing: "sm", fz: "sm" },
    }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 250, withArrow: true } }),
  },
});

export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#515b66",
    "--mantine-color-placeholder": "#66707a",
    "--mantine-color-error": "#b42318",
    "--mantine-color-body": "#ffffff",
    "--tm-canvas": "#f5f7f9",
    "--tm-panel": "#ffffff",
    "--tm-line": "#e1e6eb",
    "--tm-hover": "#eef3f6",
    "--tm-succeeded": "#1f8a4c",
    "--tm-failed": "#c8321f",
    "--tm-running": "#0b7fae",
    "--tm-waiting": "#7c8894",
    "--tm-retrying": "#b56a00",
    "--tm-cancelled": "#8a6d9f",
    "--mantine-color-anchor": "#0b6a7d",
  },
  dark: {
    "--mantine-color-dimmed": "#9aa7b4",
    "--mantine-color-placeholder": "#8b98a5",
    "--mantine-color-error": "#ff8d7e",
    "--tm-canvas": "#0d1218",
    "--tm-panel": "#12181f",
    "--tm-line": "#232c36",
    "--tm-hover": "#19212a",
    "--tm-succeeded": "#3fb970",
    "--tm-failed": "#f0604d",
    "--tm-running": "#3ba7d6",
    "--tm-waiting": "#77838f",
    "--tm-retrying": "#d99a2b",
    "--tm-cancelled": "#a78bbd",
    "--mantine-color-anchor": "#68bfd0",
  },
});
