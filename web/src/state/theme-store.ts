// Where the chosen theme is kept, and what it resolves to.
import { keep, readKept } from "./kept";

export type Theme = "system" | "light" | "dark";
export const kThemes: readonly Theme[] = ["system", "light", "dark"];

export function readTheme(): Theme {
  const kept = readKept("theme");
  return kThemes.find((theme) => theme === kept) ?? "system";
}

export function keepTheme(theme: Theme): void {
  keep("theme", theme);
}

export function resolveTheme(theme: Theme): "light" | "dark" {
  if (theme !== "system") return theme;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function applyTheme(theme: Theme): void {
  document.documentElement.dataset.theme = resolveTheme(theme);
}
