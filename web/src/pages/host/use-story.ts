// What the aggregator recorded of a host: its gaps with their causes, and its events.
import { useCallback } from "preact/hooks";
import { getEvents, getGaps } from "../../api";
import type { Gap, HostEvent } from "../../api-types";
import { causeOfSilence } from "../../gaps";
import { useRequest } from "../../state/use-request";
import type { Window } from "../../time-range";
import { useEvery } from "./use-every";

const kRefreshMs = 30_000;
const kNone: readonly never[] = [];

export interface Story {
  gaps: readonly Gap[];
  events: readonly HostEvent[];
  error: string | null;
  loaded: boolean;
  reload(): void;
  /** Why nothing was sent in a span. */
  causeOf(span: Window): string;
}

export function useStory(name: string): Story {
  const found = useRequest(`story ${name}`, async (signal) => ({
    gaps: await getGaps(name, signal),
    events: await getEvents(name, signal),
  }));
  useEvery(kRefreshMs, found.reload);
  const gaps = found.data?.gaps ?? kNone;
  const events = found.data?.events ?? kNone;
  const causeOf = useCallback((span: Window) => causeOfSilence(span, gaps, events), [gaps, events]);
  return {
    gaps,
    events,
    error: found.error?.message ?? null,
    loaded: found.data !== null,
    reload: found.reload,
    causeOf,
  };
}
