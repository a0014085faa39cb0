// Samples as columns: one shared list of times and a list of values a series, null where nothing was sent.
import type { Series, Tags } from "./api-types";

export interface Column {
  type: string;
  tags: Tags;
  unit: string;
  kind: string;
  values: (number | null)[];
}

export interface Columns {
  times: number[];
  columns: Column[];
}

export const kNoColumns: Columns = { times: [], columns: [] };

export function seriesKey(series: { type: string; tags: Tags; host?: string }): string {
  const tags = Object.entries(series.tags).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([series.host ?? "", series.type, tags]);
}

/** Puts series with their own times on the union of all times. */
export function toColumns(series: readonly Series[]): Columns {
  const times = [...new Set(series.flatMap((one) => one.times))].sort((a, b) => a - b);
  const row = new Map(times.map((time, index) => [time, index]));
  const columns = series.map((one) => {
    const values: (number | null)[] = new Array(times.length).fill(null);
    one.times.forEach((time, index) => {
      const at = row.get(time);
      if (at !== undefined) values[at] = one.values[index] ?? null;
    });
    return { type: one.type, tags: one.tags, unit: one.unit, kind: one.kind, values };
  });
  return { times, columns };
}

/**
 * `old` with everything from `from` on replaced by `tail`, and everything before `start` dropped.
 * The cell at `from` is asked again because it was still filling when it was last read.
 */
export function appendTail(old: Columns, tail: Columns, from: number, start: number): Columns {
  const first = lowerBound(old.times, start);
  const last = lowerBound(old.times, from);
  const skip = lowerBound(tail.times, Math.max(from, start));
  const kept = Math.max(0, last - first);
  const added = tail.times.length - skip;
  const byKey = new Map(tail.columns.map((column) => [seriesKey(column), column]));
  const columns = old.columns.map((column) => {
    const fresh = byKey.get(seriesKey(column));
    byKey.delete(seriesKey(column));
    const values = kept ? column.values.slice(first, last) : [];
    return {
      ...column,
      values: values.concat(fresh ? fresh.values.slice(skip) : new Array(added).fill(null)),
    };
  });
  for (const column of byKey.values()) {
    // A series that is new on this host: absent until now.
    const before: (number | null)[] = new Array(kept).fill(null);
    columns.push({ ...column, values: before.concat(column.values.slice(skip)) });
  }
  const times = (kept ? old.times.slice(first, last) : []).concat(tail.times.slice(skip));
  return { times, columns: columns.filter((column) => column.values.some((value) => value !== null)) };
}

/** The first index whose time is at least `time`. */
export function lowerBound(times: readonly number[], time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Makes gaps visible and jitter invisible.
 * A host that pushes every `interval` seconds leaves a grid cell empty now and then without having missed
 * anything: rows in which nothing was sent are dropped where the silence is shorter than `gapAfter` seconds,
 * and a row of nulls is put in where it is longer, so that no line is drawn across it.
 */
export function withGaps(data: Columns, gapAfter: number): Columns {
  const full = data.times.map((_, row) => data.columns.some((column) => column.values[row] !== null));
  const times: number[] = [];
  const rows: number[] = []; // −1 stands for a row of nulls
  data.times.forEach((time, row) => {
    if (!full[row]) return;
    const previous = times.at(-1);
    if (previous !== undefined && time - previous > gapAfter) {
      times.push((previous + time) / 2);
      rows.push(-1);
    }
    times.push(time);
    rows.push(row);
  });
  const columns = data.columns.map((column) => ({
    ...column,
    values: rows.map((row) => (row < 0 ? null : (column.values[row] ?? null))),
  }));
  return { times, columns };
}

/** Seconds of silence after which a line is broken: two and a half times the usual distance of samples. */
export function gapAfter(times: readonly number[], interval: number): number {
  const distances = times.slice(1).map((time, index) => time - (times[index] as number));
  distances.sort((a, b) => a - b);
  const usual = distances[distances.length >> 1] ?? 0;
  return 2.5 * Math.max(usual, interval);
}

/**
 * Without the first rate after each silence: it is the average of all that time, and drawn at the one moment it would
 * be a spike that never was.
 */
export function withoutCatchUp(data: Columns, interval: number): Columns {
  const columns = data.columns.map((column) => {
    if (column.kind !== "counter") return column;
    const rows = column.values.flatMap((value, row) => (value === null ? [] : [row]));
    const times = rows.map((row) => data.times[row] as number);
    const gap = gapAfter(times, interval);
    const late = rows.filter((_, index) => index > 0 && (times[index] ?? 0) - (times[index - 1] ?? 0) > gap);
    if (!late.length) return column;
    const values = [...column.values];
    for (const row of late) values[row] = null;
    return { ...column, values };
  });
  return { times: data.times, columns };
}

/** Spans [from, to] longer than `gapAfter` in which nothing was sent, within [start, end]. */
export function silences(
  times: readonly number[],
  start: number,
  end: number,
  gapAfter: number,
): [number, number][] {
  const spans: [number, number][] = [];
  let previous = start;
  for (const time of [...times, end]) {
    if (time - previous > gapAfter) spans.push([previous, time]);
    previous = time;
  }
  return spans;
}

/** Cumulative sums, bottom first; a missing part counts as nothing unless all parts are missing. */
export function stacked(columns: readonly (readonly (number | null)[])[]): (number | null)[][] {
  const rows = columns[0]?.length ?? 0;
  const sums: (number | null)[][] = columns.map(() => new Array(rows).fill(null));
  for (let row = 0; row < rows; row += 1) {
    if (columns.every((column) => column[row] === null)) continue;
    let sum = 0;
    columns.forEach((column, index) => {
      sum += column[row] ?? 0;
      (sums[index] as (number | null)[])[row] = sum;
    });
  }
  return sums;
}

/** The grid width in seconds for `range` seconds: about `points` cells, never finer than `interval`. */
export function stepFor(range: number, points: number, interval: number): number {
  const ladder = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400];
  const wanted = Math.max(range / points, interval, 1);
  return ladder.find((step) => step >= wanted) ?? Math.ceil(wanted / 86400) * 86400;
}

/** The last value of a line that is not older than `gapAfter` before the newest time of its chart. */
export function newest(
  times: readonly number[],
  values: readonly (number | null | undefined)[],
  gapAfter: number,
): number | null {
  const end = times.at(-1) ?? 0;
  for (let row = times.length - 1; row >= 0 && end - (times[row] as number) <= gapAfter; row -= 1) {
    const value = values[row] ?? null;
    if (value !== null) return value;
  }
  return null;
}

export interface Summary {
  average: number;
  lowest: number;
  highest: number;
  highestAt: number;
}

export function summarise(
  times: readonly number[],
  values: readonly (number | null | undefined)[],
): Summary | null {
  let sum = 0;
  let seen = 0;
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  let highestAt = 0;
  values.forEach((value, row) => {
    if (value === null || value === undefined) return;
    sum += value;
    seen += 1;
    lowest = Math.min(lowest, value);
    if (value > highest) {
      highest = value;
      highestAt = times[row] as number;
    }
  });
  return seen ? { average: sum / seen, lowest, highest, highestAt } : null;
}
