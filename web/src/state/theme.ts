// The theme as a signal; charts read it because a canvas does not follow CSS by itself.
import { effect, signal } from "@preact/signals";
import { applyTheme, keepTheme, kThemes, readTheme, resolveTheme, type Theme } from "./theme-store";

export const theme = signal<Theme>(readTheme());
export const shownTheme = signal(resolveTheme(theme.value));

export function setTheme(wanted: Theme): void {
  theme.value = wanted;
  keepTheme(wanted);
}

export function cycleTheme(): void {
  setTheme(kThemes[(kThemes.indexOf(theme.value) + 1) % kThemes.length] as Theme);
}

function apply(): void {
  applyTheme(theme.value);
  shownTheme.value = resolveTheme(theme.value);
}

effect(apply);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
