// What is told of a host, newest first: its silences, what is missing, and its events.
import * as format from "../../format";
import { reasonText } from "../../gaps";
import { eventText } from "./marks-of";
import type { Story } from "./use-story";

export interface Entry {
  start: number;
  end: number | null;
  kind: string;
  text: string;
}

function detailText(detail: Record<string, unknown>): string {
  return Object.entries(detail)
    .filter(([key]) => key !== "stream")
    .map(([key, value]) => `${key.replaceAll("_", " ")} ${format.fact(key, value)}`)
    .join(", ");
}

// What comes in pieces a minute apart at most is one thing to who reads it.
const kTogether = 60;

/** Newest first; spans of one kind and one text that follow each other are one. */
export function joined(entries: readonly Entry[]): Entry[] {
  const found: Entry[] = [];
  const newest = new Map<string, Entry>(); // of each kind and text, the piece that was added last
  for (const one of [...entries].sort((a, b) => b.start - a.start)) {
    const key = JSON.stringify([one.kind, one.text]);
    const later = newest.get(key);
    if (later && later.end !== null && one.end !== null && later.start - one.end <= kTogether) {
      later.start = one.start;
      later.end = Math.max(later.end, one.end);
    } else {
      const piece = { ...one };
      newest.set(key, piece);
      found.push(piece);
    }
  }
  return found.sort((a, b) => b.start - a.start);
}

export function entriesOf({ gaps, missing, events }: Story): Entry[] {
  const batches = (from: number, to: number) => (to === from ? "1 batch" : `${to - from + 1} batches`);
  const fromGaps = gaps.map(({ start, end, text }) => ({ start, end, kind: "no samples", text }));
  const fromMissing = missing.map((one) => ({
    start: one.start,
    end: one.end,
    kind: one.reason === "missing" ? "missing" : "dropped",
    text: `${batches(one.from, one.to)}: ${reasonText(one.reason)}`,
  }));
  const others = events
    .filter((event) => event.kind !== "gap" && event.kind !== "dropped")
    .map((event) => ({ ...event, text: eventText(event) ?? detailText(event.detail) }));
  return joined([...fromGaps, ...fromMissing, ...others]);
}
