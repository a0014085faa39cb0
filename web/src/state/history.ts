// Samples of one host over a range: read once, then, where the range is live, only the tail after each push.
import { signal } from "@preact/signals";
import { ApiError, getMetrics } from "../api";
import { startOf } from "../grid";
import { appendTail, type Columns, kNoColumns, toColumns } from "../series";
import type { Range } from "../time-range";
import { now } from "./clock";
import { noticeRefusal } from "./session";

// A tail for every push would be wasted on hosts that push many times a second.
const kLeastPauseMs = 1_000;

export interface Snapshot {
  columns: Columns;
  /** Width of a cell in seconds. */
  step: number;
  /** Where the aggregator took the answer from: `raw`, `5m`, `1h`; null until it has answered. */
  tier: string | null;
  loading: boolean;
  error: string | null;
}

export interface Question {
  host: string;
  types: readonly string[];
  range: Pick<Range, "seconds" | "fixed">;
  /** Width of a cell in seconds, from `stepOf`. */
  step: number;
  agg?: "min" | "max";
  /** It may wait for what is looked at first. */
  later?: true;
  /** Reads so many seconds earlier, and says that it was now. */
  earlier?: number;
}

function shifted(columns: Columns, by: number): Columns {
  return by ? { ...columns, times: columns.times.map((time) => time + by) } : columns;
}

/** Follows what is asked until `stop()`. */
export class History {
  readonly state;

  private readonly abort = new AbortController();
  private busy = false;
  private again = false;
  private lastRead = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly question: Question) {
    this.state = signal<Snapshot>({
      columns: kNoColumns,
      step: question.step,
      tier: null,
      loading: true,
      error: null,
    });
    void this.read();
  }

  /** The host has pushed: asks for what is new, soon, and never twice at a time. */
  refresh = (): void => {
    if (this.busy) {
      this.again = true;
      return;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.read(), Math.max(0, this.lastRead + kLeastPauseMs - Date.now()));
  };

  stop(): void {
    clearTimeout(this.timer);
    this.abort.abort();
  }

  private async read(): Promise<void> {
    this.busy = true;
    const { host, types, range, step, agg, later, earlier = 0 } = this.question;
    // Not subscribed to: the first reading begins while a component is being drawn.
    const held = this.state.peek().columns;
    const last = held.times.at(-1);
    const start = startOf(range, step, now.peek());
    // The last cell was still filling; batches that were late may have filled the two before it.
    const from = last === undefined || range.fixed ? start : Math.max(start, last - 2 * step);
    const end = range.fixed?.end ?? (earlier ? now.peek() : undefined);
    try {
      const answer = await getMetrics(
        {
          host,
          types,
          start: from - earlier,
          end: end === undefined ? undefined : end - earlier,
          step,
          // A counter has no highest rate in a cell: it keeps its average.
          agg,
        },
        this.abort.signal,
        agg === undefined && !earlier && !later,
      );
      const fresh = shifted(toColumns(answer.series), earlier);
      const columns = last === undefined || range.fixed ? fresh : appendTail(held, fresh, from, start);
      this.state.value = { columns, step, tier: answer.tier, loading: false, error: null };
    } catch (error) {
      if (this.abort.signal.aborted) return;
      noticeRefusal(error);
      // What was drawn stays; the panels say that it is old.
      const text = error instanceof ApiError ? error.message : String(error);
      this.state.value = { ...this.state.peek(), loading: false, error: text };
    } finally {
      this.busy = false;
      this.lastRead = Date.now();
      if (this.again) {
        this.again = false;
        this.refresh();
      }
    }
  }
}
