// Many hosts, one metric: what is usual among them, and who is not.

/** The values that 10, 50 and 90 % of the hosts stay under, at each time. */
export interface Usual {
  low: (number | null)[];
  middle: (number | null)[];
  high: (number | null)[];
}

/** The q-th quantile of sorted values, between neighbours in proportion. */
export function quantile(sorted: readonly number[], q: number): number | null {
  if (!sorted.length) return null;
  const place = (sorted.length - 1) * q;
  const below = sorted[Math.floor(place)] as number;
  const above = sorted[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}

function numbers(values: readonly (number | null | undefined)[]): number[] {
  return values.filter((value) => value !== null && value !== undefined).sort((a, b) => a - b);
}

export function median(values: readonly (number | null | undefined)[]): number | null {
  return quantile(numbers(values), 0.5);
}

export function usual(rows: number, values: readonly (readonly (number | null | undefined)[])[]): Usual {
  const found: Usual = { low: [], middle: [], high: [] };
  for (let row = 0; row < rows; row += 1) {
    const sorted = numbers(values.map((one) => one[row]));
    found.low.push(quantile(sorted, 0.1));
    found.middle.push(quantile(sorted, 0.5));
    found.high.push(quantile(sorted, 0.9));
  }
  return found;
}

export interface Outlier {
  host: string;
  median: number;
  /** By how many times the usual spread it is away from the middle; with its sign. */
  distance: number;
}

const kFar = 4;

/**
 * Hosts whose median is far from the others', furthest first.
 * The spread is the median distance of the hosts from their middle, but never below `floor` nor a twentieth of it.
 */
export function outliers(medians: ReadonlyMap<string, number>, floor: number): Outlier[] {
  const middle = median([...medians.values()]);
  if (middle === null) return [];
  const spread = median([...medians.values()].map((value) => Math.abs(value - middle))) ?? 0;
  const unit = Math.max(spread, floor, Math.abs(middle) / 20);
  return [...medians]
    .map(([host, value]) => ({ host, median: value, distance: (value - middle) / unit }))
    .filter((one) => Math.abs(one.distance) > kFar)
    .sort((a, b) => Math.abs(b.distance) - Math.abs(a.distance));
}
