// Samples of one host over the page's range: read once, then only the tail, each time the host has pushed.
import { signal } from "@preact/signals";
import { ApiError, getMetrics } from "../api";
import { appendTail, type Columns, kNoColumns, stepFor, toColumns } from "../series";
import { now } from "./clock";
import { noticeRefusal } from "./session";

// About one point for two pixels of a wide chart: more cannot be seen.
const kPoints = 360;
// A tail for every push would be wasted on hosts that push many times a second.
const kLeastPauseMs = 1_000;

export interface Snapshot {
  columns: Columns;
  step: number;
  loading: boolean;
  error: string | null;
}

/** Follows the metrics `types` of `host` over the last `range` seconds until `stop()`. */
export class History {
  readonly state = signal<Snapshot>({ columns: kNoColumns, step: 1, loading: true, error: null });

  private readonly abort = new AbortController();
  private readonly step: number;
  private busy = false;
  private again = false;
  private lastRead = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly host: string,
    private readonly types: readonly string[],
    private readonly range: number,
    interval: number,
  ) {
    this.step = stepFor(range, kPoints, interval);
    this.refresh();
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
    const held = this.state.value.columns;
    const start = Math.floor((now.value - this.range) / this.step) * this.step;
    const last = held.times.at(-1);
    // The last cell was still filling; batches that were late may have filled the two before it.
    const from = last === undefined ? start : Math.max(start, last - 2 * this.step);
    try {
      const answer = await getMetrics(
        { host: this.host, types: this.types, start: from, step: this.step },
        this.abort.signal,
      );
      const fresh = toColumns(answer.series);
      const columns = last === undefined ? fresh : appendTail(held, fresh, from, start);
      this.state.value = { columns, step: this.step, loading: false, error: null };
    } catch (error) {
      if (this.abort.signal.aborted) return;
      noticeRefusal(error);
      // What was drawn stays; the panels say that it is old.
      const text = error instanceof ApiError ? error.message : String(error);
      this.state.value = { ...this.state.value, loading: false, error: text };
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
