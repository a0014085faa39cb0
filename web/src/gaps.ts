// Why a host said nothing in a span: from what the aggregator recorded, in a few words.
import type { Gap, HostEvent } from "./api-types";
import type { Window } from "./time-range";

const kCauses: Readonly<Record<string, string>> = {
  missing: "never arrived",
  spool_full: "lost: the agent's queue was full",
  too_old: "lost: too old when the link came back",
  corrupt: "lost: damaged in the agent's queue",
  quarantined: "refused by the aggregator",
  agent_down: "the agent was not running",
  host_down: "the host was down",
  link_down: "the link was down",
};

/** A cause as words; one that is new here is shown under its own name. */
export function causeText(cause: string): string {
  return kCauses[cause] ?? cause.replaceAll("_", " ");
}

function overlap(a: Window, start: number, end: number): number {
  return Math.min(a.end, end) - Math.max(a.start, start);
}

/**
 * The cause recorded for most of `span`; a boot inside it says that the host was down.
 * `no data` where nothing is recorded.
 */
export function causeOfSilence(span: Window, gaps: readonly Gap[], events: readonly HostEvent[]): string {
  let best: { cause: string; shared: number } | null = null;
  for (const gap of gaps) {
    const shared = overlap(span, gap.start, gap.end ?? gap.start);
    if (shared > 0 && (best === null || shared > best.shared)) best = { cause: gap.cause, shared };
  }
  const booted = events.some(
    (event) => event.kind === "boot" && event.start >= span.start && event.start <= span.end + 60,
  );
  if (best && best.cause !== "missing") return causeText(best.cause);
  if (booted) return "the host was down";
  return best ? causeText(best.cause) : "no data";
}
