// The last values of a host, renewed while one looks, and what the registry says of their types.
import { useMemo } from "preact/hooks";
import { getLatest, getTypes } from "../../api";
import type { LatestAnswer, LatestMetric } from "../../api-types";
import type { Metric } from "../../charts/any-metric";
import { type Answer, useRequest } from "../../state/use-request";
import { useEvery } from "./use-every";

const kRefreshMs = 15_000;

export interface LatestOf extends Answer<LatestAnswer> {
  metrics: readonly LatestMetric[];
  /** Every type that the host sends, once, sorted by name. */
  types: readonly Metric[];
  /** Types that the registry knows. */
  known: ReadonlyMap<string, { help: string; kind: string; source: string }>;
}

const kNone: readonly LatestMetric[] = [];

export function useLatest(name: string): LatestOf {
  const answer = useRequest(`latest ${name}`, (signal) => getLatest(name, signal));
  const registry = useRequest("types", getTypes);
  useEvery(kRefreshMs, answer.reload);
  const metrics = answer.data?.metrics ?? kNone;
  const known = useMemo(() => new Map(registry.data?.map((one) => [one.type, one]) ?? []), [registry.data]);
  // The list of types stays the same array while the host sends the same: charts are made from it.
  const key = [
    ...new Set(metrics.map((one) => `${one.type} ${one.unit} ${one.rate === null ? "" : "counter"}`)),
  ]
    .sort()
    .join("\n");
  const types = useMemo(() => {
    const found = new Map<string, Metric>();
    for (const line of key.split("\n").filter(Boolean)) {
      const [type = "", unit = "", kind] = line.split(" ");
      const info = known.get(type);
      found.set(type, { type, unit, kind: info?.kind ?? (kind || "gauge"), help: info?.help ?? "" });
    }
    return [...found.values()];
  }, [key, known]);
  return { ...answer, metrics, types, known };
}
