// What the charts of a host are drawn from: averages, the lowest and highest of each cell, and an earlier time.
import { useMemo } from "preact/hooks";
import { stepOf } from "../../grid";
import { type Columns, withoutCatchUp } from "../../series";
import type { Snapshot } from "../../state/history";
import { earlier, peaks, range } from "../../state/range";
import { useHistory } from "../../state/use-history";

export interface HostData {
  state: Snapshot;
  /** Averages; with peaks on, the highest of each cell where a metric has one. */
  shown: Columns;
  /** Null where a cell holds no more than one sample. */
  low: Columns | null;
  high: Columns | null;
  before: Columns | null;
  /** An earlier time was asked for, and nothing is stored of it. */
  beforeIsEmpty: boolean;
  refresh(): void;
}

function gauges(columns: Columns | undefined): Columns | null {
  if (!columns?.times.length) return null;
  // The rate of a counter has no extremes: its cells are differences already.
  return { times: columns.times, columns: columns.columns.filter((column) => column.kind === "gauge") };
}

function withPeaks(average: Columns, high: Columns): Columns {
  const counters = average.columns.filter((column) => column.kind !== "gauge");
  const row = new Map(high.times.map((time, index) => [time, index]));
  const columns = high.columns.map((column) => ({
    ...column,
    values: average.times.map((time) => column.values[row.get(time) ?? -1] ?? null),
  }));
  return { times: average.times, columns: [...columns, ...counters] };
}

export function useHostData(host: string, types: readonly string[], interval: number): HostData {
  const { seconds, fixed } = range.value;
  const base = { host, types, range: { seconds, fixed }, step: stepOf(seconds, interval) };
  const average = useHistory(base);
  const read = average.state as Snapshot;
  const state = useMemo(
    () => ({ ...read, columns: withoutCatchUp(read.columns, Math.max(read.step, interval)) }),
    [read, interval],
  );
  // What is looked at first is drawn first: the bands come when the lines are there.
  const coarse = state.step > 1.5 * interval && state.tier !== null;
  const lowest = useHistory(coarse ? { ...base, agg: "min" } : null);
  const highest = useHistory(coarse ? { ...base, agg: "max" } : null);
  const before = useHistory(
    earlier.value === null || state.tier === null ? null : { ...base, earlier: earlier.value },
  );
  const low = useMemo(() => gauges(lowest.state?.columns), [lowest.state]);
  const high = useMemo(() => gauges(highest.state?.columns), [highest.state]);
  const shown = useMemo(
    () => (peaks.value && high ? withPeaks(state.columns, high) : state.columns),
    [state.columns, high, peaks.value],
  );
  const earlierColumns = before.state?.columns;
  const then = useMemo(
    () => (earlierColumns ? withoutCatchUp(earlierColumns, Math.max(read.step, interval)) : null),
    [earlierColumns, read.step, interval],
  );
  return {
    state,
    shown,
    low,
    high,
    before: then,
    beforeIsEmpty: before.state?.tier != null && before.state.columns.times.length === 0,
    refresh() {
      for (const one of [average, lowest, highest, before]) one.refresh();
    },
  };
}
