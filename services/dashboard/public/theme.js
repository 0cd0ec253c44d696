// Before anything is drawn: the colours that were chosen, or those of the system.
(() => {
  const chosen = localStorage.getItem("tidemill-colors");
  const dark =
    chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.mantineColorScheme = dark ? "dark" : "light";
})();
