// Sets the theme before the page is painted, so that nothing flashes. A classic script in the head: modules come too late.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  /** @type {string | null} */
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    // A browser that keeps nothing: the system's theme, or what is chosen on this page.
  }
  const apply = () => {
    document.documentElement.dataset.theme = chosen ?? (system.matches ? "dark" : "light");
    document.dispatchEvent(new CustomEvent("theme"));
  };
  system.addEventListener("change", apply);
  addEventListener("storage", (event) => {
    if (event.key !== "theme") return;
    chosen = event.newValue;
    apply();
  });
  document.addEventListener("theme-chosen", (event) => {
    chosen = /** @type {CustomEvent<string>} */ (event).detail;
    apply();
  });
  apply();
})();
