// Hosts chosen for a comparison or an export.
import { signal } from "@preact/signals";

/** In the order in which they were chosen. */
export const selected = signal<ReadonlySet<string>>(new Set());

export function toggleSelected(name: string): void {
  const next = new Set(selected.value);
  if (!next.delete(name)) next.add(name);
  selected.value = next;
}

/** Chooses all of `names`, or none of them where all were chosen. */
export function toggleAll(names: readonly string[]): void {
  const next = new Set(selected.value);
  const all = names.every((name) => next.has(name));
  for (const name of names) {
    if (all) next.delete(name);
    else next.add(name);
  }
  selected.value = next;
}

export function clearSelection(): void {
  selected.value = new Set();
}
