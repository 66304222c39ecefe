const root = document.documentElement;

// Theme: what the reader chose, else what the system prefers.

const button = document.getElementById("theme");
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme ?? (prefersDark.matches ? "dark" : "light")) === "dark";
const showTheme = () => button.setAttribute("aria-pressed", String(isDark()));
const stored = (action) => {
  try {
    return action(localStorage);
  } catch {
    return null; // a browser may refuse to remember anything for a local file
  }
};

const chosen = stored((storage) => storage.getItem("declnet-theme"));
if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
showTheme();
prefersDark.addEventListener("change", showTheme);
button.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  stored((storage) => storage.setItem("declnet-theme", root.dataset.theme));
  showTheme();
});
