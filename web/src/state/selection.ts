// Hosts chosen for a comparison.
import { signal } from "@preact/signals";
import { kMaxCompared } from "./route";

export const selected = signal<readonly string[]>([]);

/** Adds or removes a host; beyond the most that can be compared, nothing happens. */
export function toggleSelected(name: string): void {
  const names = selected.value;
  if (names.includes(name)) selected.value = names.filter((one) => one !== name);
  else if (names.length < kMaxCompared) selected.value = [...names, name];
}

export function clearSelection(): void {
  selected.value = [];
}
