// The grid of times on which charts ask for samples: how wide its cells are and where it begins.
import { stepFor } from "./series";
import type { Range } from "./time-range";

// About one point for two pixels of a wide chart: more cannot be seen.
export const kPoints = 360;
/** A host's interval until the aggregator has told it. */
export const kUsualInterval = 10;
// A range this short is looked at while the host ticks every second.
const kFineSeconds = 300;

/** The width of a cell for a range; but for the shortest never narrower than the host's interval. */
export function stepOf(seconds: number, interval: number): number {
  return stepFor(seconds, kPoints, seconds <= kFineSeconds ? 1 : interval);
}

/** Where a range begins, on the grid. */
export function startOf(
  { fixed, seconds }: Pick<Range, "fixed" | "seconds">,
  step: number,
  now: number,
): number {
  return Math.floor((fixed?.start ?? now - seconds) / step) * step;
}
