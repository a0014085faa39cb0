// From columns to what a chart draws: which lines, in which colours, and what is folded away.
import type { Column, Columns } from "../series";
import type { Line } from "./uplot";

export interface Drawn {
  /** Only times at which at least one line has a value. */
  times: number[];
  lines: Line[];
  /** One list a line, not cumulative. */
  values: (number | null)[][];
}

export const kPalette = ["--s1", "--s2", "--s3", "--s4", "--s5", "--s6", "--s7", "--s8"] as const;
export const kMaxLines = 8;

export function colorOf(index: number): string {
  return kPalette[index % kPalette.length] as string;
}

/** The columns of the given metric types, with the times on which any of them has a value. */
export function pick(data: Columns, wanted: (column: Column) => boolean): Columns {
  const columns = data.columns.filter(wanted);
  const rows: number[] = [];
  data.times.forEach((_, row) => {
    if (columns.some((column) => column.values[row] !== null)) rows.push(row);
  });
  return {
    times: rows.map((row) => data.times[row] as number),
    columns: columns.map((column) => ({ ...column, values: rows.map((row) => column.values[row] ?? null) })),
  };
}

export function peak(column: Column): number {
  return column.values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
}

/** Adds columns up; null only where all are. */
export function total(columns: readonly Column[]): (number | null)[] {
  const rows = columns[0]?.values.length ?? 0;
  return Array.from({ length: rows }, (_, row) => {
    let sum: number | null = null;
    for (const column of columns) {
      const value = column.values[row];
      if (value !== null && value !== undefined) sum = (sum ?? 0) + value;
    }
    return sum;
  });
}
