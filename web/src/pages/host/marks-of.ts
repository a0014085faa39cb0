// What the aggregator recorded of a host, as marks on its charts.
import type { HostEvent } from "../../api-types";
import type { Mark } from "../../charts/marks";
import * as format from "../../format";
import { reasonText } from "../../gaps";
import type { Story } from "./use-story";

const kWords: Readonly<Record<string, (detail: HostEvent["detail"]) => string>> = {
  boot: () => "the host booted",
  agent_started: () => "the agent started",
  agent_replaced: () => "another agent took over the name",
  version_changed: ({ old, new: now }) => `agent ${old ?? "of an unknown version"} → ${now}`,
  facts_changed: (detail) => `changed: ${changedFacts(detail)}`,
  clock_set: ({ by_ms }) => `the clock was set by ${format.seconds(Number(by_ms) / 1000)}`,
  dropped: ({ samples, reason }) => `${samples} samples ${reasonText(String(reason))}`,
  renamed: ({ old, new: now }) => `renamed from ${old} to ${now}`,
  archived: () => "archived",
  unarchived: () => "back from the archive",
};
// Told by the gaps, in more words.
const kToldElsewhere = new Set(["gap", "arrived_late"]);

function changedFacts(detail: HostEvent["detail"]): string {
  return Object.entries(detail)
    .map(([name, value]) => {
      const [before, after] = Array.isArray(value) ? value : [null, value];
      return `${name.replaceAll("_", " ")} ${format.fact(name, before)} → ${format.fact(name, after)}`;
    })
    .join(", ");
}

/** An event as a sentence; null for a kind that is new here. */
export function eventText({ kind, detail }: HostEvent): string | null {
  return kWords[kind]?.(detail) ?? null;
}

export function marksOf({ gaps, events }: Pick<Story, "gaps" | "events">): Mark[] {
  const changes = events
    .filter((event) => !kToldElsewhere.has(event.kind))
    .map((event): Mark => {
      const text = eventText(event) ?? event.kind.replaceAll("_", " ");
      return { start: event.start, end: null, kind: "change", text };
    });
  const holes = gaps.map(
    ({ start, end, text }): Mark => ({ start, end: end ?? Number.POSITIVE_INFINITY, kind: "gap", text }),
  );
  return [...changes, ...holes];
}
