import "@fontsource-variable/inter";
import "@mantine/core/styles.css";
import "@/theme/app.css";
import { createRoot } from "react-dom/client";
import { App } from "@/App";

const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
