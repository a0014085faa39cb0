// The moment under the crosshair, shared by all that can show what was then; null while nobody points.
import { signal } from "@preact/signals";

export const pointed = signal<number | null>(null);

/** Every chart of a page reports the one moment: the last one that is not null stands while the pointer is there. */
export function pointAt(time: number | null): void {
  pointed.value = time;
}
