// Why a host said nothing in a span: from what the aggregator recorded.
import type { Gap } from "./api-types";
import type { Window } from "./time-range";

/** The text of the gap that covers most of `span`; `no data` where none does. */
export function causeOfSilence(span: Window, gaps: readonly Gap[]): string {
  let best: { text: string; shared: number } | null = null;
  for (const gap of gaps) {
    const end = gap.end ?? Number.POSITIVE_INFINITY;
    const shared = Math.min(span.end, end) - Math.max(span.start, gap.start);
    if (shared > 0 && (best === null || shared > best.shared)) best = { text: gap.text, shared };
  }
  return best?.text ?? "no data";
}

const kReasons: Readonly<Record<string, string>> = {
  missing: "never arrived",
  spool_full: "lost: the agent's queue was full",
  too_old: "lost: too old when the link came back",
  corrupt: "lost: damaged in the agent's queue",
  quarantined: "refused by the aggregator",
};

/** `36: the agent's queue was full; 2: …`; null for none. */
export function reasonList(counts: Readonly<Record<string, number>> | undefined): string | null {
  const parts = Object.entries(counts ?? {}).filter(([, count]) => count > 0);
  return parts.length ? parts.map(([reason, count]) => `${count} ${reasonText(reason)}`).join(", ") : null;
}

/** Why batches are missing, as words; a reason that is new here is shown under its own name. */
export function reasonText(reason: string): string {
  return kReasons[reason] ?? reason.replaceAll("_", " ");
}
