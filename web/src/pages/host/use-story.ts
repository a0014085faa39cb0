// What the aggregator recorded of a host: its gaps with their causes, and its events.
import { useCallback } from "preact/hooks";
import { getEvents, getGaps } from "../../api";
import type { Gap, HostEvent, MissingBatches } from "../../api-types";
import { causeOfSilence } from "../../gaps";
import { currentWindow, range } from "../../state/range";
import { useRequest } from "../../state/use-request";
import type { Window } from "../../time-range";
import { useEvery } from "./use-every";

const kRefreshMs = 30_000;
const kNone: readonly never[] = [];

export interface Story {
  /** Of the range that is shown. */
  gaps: readonly Gap[];
  missing: readonly MissingBatches[];
  events: readonly HostEvent[];
  error: string | null;
  loaded: boolean;
  reload(): void;
  /** Why nothing was sent in a span. */
  causeOf(span: Window): string;
}

export function useStory(name: string): Story {
  const { seconds, fixed } = range.value;
  const found = useRequest(
    JSON.stringify([name, seconds, fixed]),
    async (signal) => {
      const { start, end } = currentWindow();
      return { ...(await getGaps(name, start, end, signal)), events: await getEvents(name, signal) };
    },
    { keep: name },
  );
  useEvery(kRefreshMs, found.reload);
  const gaps = found.data?.gaps ?? kNone;
  const causeOf = useCallback((span: Window) => causeOfSilence(span, gaps), [gaps]);
  return {
    gaps,
    missing: found.data?.missing ?? kNone,
    events: found.data?.events ?? kNone,
    error: found.error?.message ?? null,
    loaded: found.data !== null,
    reload: found.reload,
    causeOf,
  };
}
