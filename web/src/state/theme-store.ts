// Where the chosen theme is kept, and what it resolves to.

export type Theme = "system" | "light" | "dark";
export const kThemes: readonly Theme[] = ["system", "light", "dark"];

const kKey = "sysmon-theme";

export function readTheme(): Theme {
  try {
    const kept = localStorage.getItem(kKey);
    return kThemes.find((theme) => theme === kept) ?? "system";
  } catch {
    return "system"; // storage is switched off
  }
}

export function keepTheme(theme: Theme): void {
  try {
    localStorage.setItem(kKey, theme);
  } catch {
    // Storage is switched off: the choice lasts until the page is closed.
  }
}

export function resolveTheme(theme: Theme): "light" | "dark" {
  if (theme !== "system") return theme;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function applyTheme(theme: Theme): void {
  document.documentElement.dataset.theme = resolveTheme(theme);
}
