// What a pointer means on the strip of a long range: the pure part of it.
import type { Window } from "./time-range";

export interface Press {
  /** Where the press began, in Unix seconds. */
  at: number;
  /** The window that it took hold of; null draws a new one. */
  held: Window | null;
}

/** The window while the pointer is at `to`; it never leaves `whole`. */
export function brushed({ at, held }: Press, to: number, whole: Window): Window {
  const inside = (time: number) => Math.min(whole.end, Math.max(whole.start, time));
  if (!held) return { start: inside(Math.min(at, to)), end: inside(Math.max(at, to)) };
  const by = Math.min(whole.end - held.end, Math.max(whole.start - held.start, to - at));
  return { start: held.start + by, end: held.end + by };
}
