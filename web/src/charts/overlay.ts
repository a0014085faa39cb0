// One metric of several hosts in one chart, folded as the aggregator folds it when it compares them.
import type { Tags } from "../api-types";
import { type Column, type Columns, toColumns } from "../series";
import { colorOf, type Drawn, pick, total } from "./lines";

/** A metric whose series are the same on every host once devices are folded. */
export interface Subject {
  title: string;
  type: string;
  /** What a series must have; it may have more (its device), and then its host's are folded into one. */
  tags: Tags;
  unit: string;
  leastTop: number;
}

// The worst of these says more than their sum: two disks at 60 % are not at 120 %.
const kWorstOf = new Set(["percent", "celsius", "seconds", "boolean"]);

function belongs(column: Column, subject: Subject): boolean {
  return (
    column.type === subject.type &&
    column.tags.interface !== "lo" &&
    Object.entries(subject.tags).every(([key, value]) => column.tags[key] === value)
  );
}

function worst(columns: readonly Column[]): (number | null)[] {
  return (columns[0]?.values ?? []).map((_, row) =>
    columns.reduce<number | null>((most, column) => {
      const value = column.values[row] ?? null;
      return value === null ? most : Math.max(most ?? value, value);
    }, null),
  );
}

/** How several series of one unit become one. */
export function foldOf(unit: string): (columns: readonly Column[]) => (number | null)[] {
  return kWorstOf.has(unit) ? worst : total;
}

/** All hosts on one list of times; a line for each that has the subject, in its own colour, every second dashed. */
export function overlay(subject: Subject, hosts: readonly string[], perHost: readonly Columns[]): Drawn {
  const fold = foldOf(subject.unit);
  const shown = hosts.flatMap((host, index) => {
    const found = pick(perHost[index] as Columns, (column) => belongs(column, subject));
    return found.columns.length ? [{ host, index, times: found.times, values: fold(found.columns) }] : [];
  });
  const joined = toColumns(
    shown.map(({ host, times, values }) => ({
      host,
      type: subject.type,
      unit: "",
      kind: "",
      tags: {},
      times,
      values,
    })),
  );
  return {
    times: joined.times,
    lines: shown.map(({ host, index }) => ({ label: host, color: colorOf(index), dashed: index % 2 === 1 })),
    values: joined.columns.map((column) => column.values),
  };
}
