// Values in proportion to the machine: per core, per GiB of memory.
import type { Drawn } from "./lines";

// A share of the machine is in proportion already, and half a temperature means nothing.
const kNotDivided = new Set(["percent", "celsius", "seconds", "boolean", "hertz", "ratio"]);

export function isDivisible(unit: string): boolean {
  return !kNotDivided.has(unit);
}

/** Each host's line divided by its size; a host whose size is not known has no line. */
export function perSize(drawn: Drawn, sizes: ReadonlyMap<string, number>): Drawn {
  const kept = drawn.lines.flatMap(({ label }, index) => (sizes.has(label) ? [index] : []));
  return {
    times: drawn.times,
    lines: kept.flatMap((index) => drawn.lines[index] ?? []),
    values: kept.map((index) => {
      const size = sizes.get(drawn.lines[index]?.label ?? "") as number;
      return (drawn.values[index] ?? []).map((value) => (value === null ? null : value / size));
    }),
  };
}
