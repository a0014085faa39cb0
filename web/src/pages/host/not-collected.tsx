// What this host does not measure, and why, as its agent says.
import type { LatestMetric } from "../../api-types";
import { familyOf } from "./sections";

interface Missing {
  name: string;
  reason: string | null;
}

/** Collectors that are down with their reason, and families of the registry of which nothing comes. */
export function missingOf(metrics: readonly LatestMetric[], known: Iterable<string>): Missing[] {
  const down = metrics
    .filter((one) => one.type === "agent.collector_up" && one.value === 0)
    .map((one) => ({ name: one.tags.collector ?? "?", reason: one.tags.reason || null }));
  const sent = new Set(metrics.map((one) => familyOf(one.type)));
  const silent = [...new Set([...known].map(familyOf))]
    .filter((family) => !sent.has(family) && !down.some((one) => one.name === family))
    .map((name) => ({ name, reason: null }));
  return [...down, ...silent].sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function NotCollected({
  metrics,
  known,
}: {
  metrics: readonly LatestMetric[];
  known: Iterable<string>;
}) {
  const missing = missingOf(metrics, known);
  if (!metrics.length || !missing.length) return null;
  return (
    <p class="fine not-collected">
      Not collected on this host:{" "}
      {missing.map(({ name, reason }) => `${name} (${reason ?? "nothing sent"})`).join(", ")}.
    </p>
  );
}
