// Each host minus a reference: what is above zero is more than the reference has.
import type { Drawn } from "./lines";

/** The lines of `drawn` but the reference's, as differences from it; null where either is. */
export function differenceFrom(drawn: Drawn, reference: string): Drawn {
  const at = drawn.lines.findIndex((line) => line.label === reference);
  const base = drawn.values[at];
  if (!base) return { times: [], lines: [], values: [] };
  const others = drawn.lines.map((line, index) => ({ line, index })).filter(({ index }) => index !== at);
  return {
    times: drawn.times,
    lines: others.map(({ line }) => ({ ...line, label: `${line.label} − ${reference}` })),
    values: others.map(({ index }) =>
      (drawn.values[index] ?? []).map((value, row) => {
        const other = base[row];
        return value === null || other === null || other === undefined ? null : value - other;
      }),
    ),
  };
}

/** One host's line alone. */
export function onlyHost(drawn: Drawn, host: string): Drawn {
  const at = drawn.lines.findIndex((line) => line.label === host);
  const line = drawn.lines[at];
  const values = drawn.values[at];
  if (!line || !values) return { times: [], lines: [], values: [] };
  const rows = drawn.times.flatMap((_, row) => (values[row] === null ? [] : [row]));
  return {
    times: rows.map((row) => drawn.times[row] as number),
    lines: [{ ...line, dashed: false }],
    values: [rows.map((row) => values[row] as number)],
  };
}

/** The highest value of all lines; 0 for none. */
export function highest(drawn: Drawn): number {
  return drawn.values.reduce(
    (most, values) => values.reduce<number>((sofar, value) => Math.max(sofar, value ?? 0), most),
    0,
  );
}
