// From the lines of a chart to what is plotted: gaps, stacks, min–max bands and an earlier time, on one list of times.
import { gapAfter, stacked, withGaps } from "../series";
import type { Drawn } from "./lines";

/** `undefined` is "not asked at this time", which no line is broken for; `null` is "nothing was sent". */
export type Cells = (number | null | undefined)[];

export interface Over {
  drawn: Drawn;
  kind: "earlier" | "highest";
}

export interface Plotted {
  times: number[];
  /** What each line says at each time, not cumulative. */
  values: Cells[];
  /** What is drawn for each line: cumulative in a stacked chart. */
  main: Cells[];
  /** For the lines that have one: lowest and highest of each cell. */
  bands: { line: number; low: Cells; high: Cells }[];
  over: { kind: Over["kind"]; label: string; color: string; cells: Cells }[];
  /** Seconds of silence after which a line is broken. */
  gap: number;
}

interface Question {
  drawn: Drawn;
  stacked: boolean;
  interval: number;
  band: { low: Drawn; high: Drawn } | null;
  over: readonly Over[];
}

/** A hole reaches from sample to sample: times of other lines inside it are part of it. */
function widened(cells: Cells): Cells {
  let from = 0; // where the run of what was not asked begins
  for (let at = 0; at <= cells.length; at += 1) {
    if (at < cells.length && cells[at] === undefined) continue;
    const inside = from > 0 && at < cells.length;
    if (inside && at > from && (cells[from - 1] === null || cells[at] === null)) cells.fill(null, from, at);
    from = at + 1;
  }
  return cells;
}

interface Broken {
  times: number[];
  values: (number | null)[][];
}

function broken(drawn: Drawn, gap: number): Broken {
  const columns = drawn.values.map((values) => ({ type: "", tags: {}, unit: "", kind: "", values }));
  const found = withGaps({ times: drawn.times, columns }, gap);
  return { times: found.times, values: found.columns.map((column) => column.values) };
}

export function plot({ drawn, stacked: isStacked, interval, band, over }: Question): Plotted {
  const gap = gapAfter(drawn.times, interval);
  const base = broken(drawn, gap);
  const others = over.map((one) => ({ ...one, data: broken(one.drawn, gap) }));
  const times = [...new Set([base.times, ...others.map(({ data }) => data.times)].flat())].sort(
    (a, b) => a - b,
  );
  const row = new Map(times.map((time, index) => [time, index]));
  const spread = (from: readonly number[], values: readonly (number | null)[]): Cells => {
    const cells: Cells = new Array(times.length).fill(undefined);
    from.forEach((time, index) => {
      const at = row.get(time);
      if (at !== undefined) cells[at] = values[index] ?? null;
    });
    return widened(cells);
  };
  const bands = isStacked || !band ? [] : bandsOf(drawn, band, spread);
  return {
    times,
    values: base.values.map((values) => spread(base.times, values)),
    main: (isStacked ? stacked(base.values) : base.values).map((values) => spread(base.times, values)),
    bands,
    over: others.flatMap(({ kind, drawn: { lines }, data }) =>
      lines.map((line, index) => ({
        kind,
        label: line.label,
        color: line.color,
        cells: spread(data.times, data.values[index] ?? []),
      })),
    ),
    gap,
  };
}

/** Bands of the lines that all three answers have; a line is known by its label. */
function bandsOf(
  drawn: Drawn,
  band: { low: Drawn; high: Drawn },
  spread: (times: readonly number[], values: readonly (number | null)[]) => Cells,
): Plotted["bands"] {
  return drawn.lines.flatMap(({ label }, line) => {
    const [low, high] = [band.low, band.high].map((one) => {
      const at = one.lines.findIndex((other) => other.label === label);
      return at < 0 ? null : spread(one.times, one.values[at] ?? []);
    });
    return low && high ? [{ line, low, high }] : [];
  });
}
