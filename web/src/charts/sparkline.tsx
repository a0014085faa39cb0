// A curve without axes, as small as one likes.
import type { Window } from "../time-range";

const kWidth = 160;
const kHeight = 40;

/** A path over the values, with a new start after every hole. */
export function pathOf(
  times: readonly number[],
  values: readonly (number | null)[],
  { start, end }: Window,
  top: number,
): string {
  let path = "";
  let broken = true;
  times.forEach((time, row) => {
    const value = values[row];
    if (value === null || value === undefined) {
      broken = true;
      return;
    }
    const x = ((time - start) / (end - start)) * kWidth;
    const y = kHeight - (top > 0 ? value / top : 0) * kHeight;
    path += `${broken ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    broken = false;
  });
  return path;
}

interface Props {
  times: readonly number[];
  values: readonly (number | null)[];
  window: Window;
  /** The top of the scale; the bottom is zero. */
  top: number;
}

export function Sparkline({ times, values, window, top }: Props) {
  return (
    <svg
      class="sparkline"
      viewBox={`0 -1 ${kWidth} ${kHeight + 2}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path d={pathOf(times, values, window, top)} />
    </svg>
  );
}
