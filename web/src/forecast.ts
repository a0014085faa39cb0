// When a filesystem will be full, from how its use grew; robust against a single clean-up.

const kMostPoints = 96;
// A filesystem that would take longer than this is not filling in any useful sense.
const kHorizonSeconds = 90 * 86400;

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  const middle = values.length >> 1;
  return values.length % 2
    ? (values[middle] as number)
    : ((values[middle - 1] as number) + (values[middle] as number)) / 2;
}

/** The median of the slopes between all pairs of points (Theil–Sen), per second; null with fewer than 8 points. */
export function slope(times: readonly number[], values: readonly (number | null)[]): number | null {
  const points: [number, number][] = [];
  times.forEach((time, row) => {
    const value = values[row];
    if (value !== null && value !== undefined) points.push([time, value]);
  });
  const every = Math.max(1, Math.ceil(points.length / kMostPoints));
  const kept = points.filter((_, index) => index % every === 0);
  if (kept.length < 8) return null;
  const slopes: number[] = [];
  kept.forEach(([time, value], index) => {
    for (const [later, more] of kept.slice(index + 1)) slopes.push((more - value) / (later - time));
  });
  return median(slopes);
}

/** Seconds until `available` bytes are gone at `perSecond`; null where that is not in sight. */
export function secondsUntilFull(available: number, perSecond: number | null): number | null {
  if (perSecond === null || perSecond <= 0) return null;
  const seconds = available / perSecond;
  return seconds < kHorizonSeconds ? seconds : null;
}
