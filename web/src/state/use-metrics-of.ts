// The same metrics of several hosts on the same grid.
import { useMemo } from "preact/hooks";
import { getMetrics } from "../api";
import { kPoints, kUsualInterval } from "../grid";
import { type Columns, stepFor, toColumns } from "../series";
import { hostSignal } from "./hosts";
import { type Answer, useRequest } from "./use-request";

/** Columns of each host in the order of `hosts`; all share one step, the slowest host's at least. */
export function useMetricsOf(
  hosts: readonly string[],
  types: readonly string[],
  window: { start: number; end: number },
): Answer<Columns[]> & { step: number; tier: string | null } {
  const intervals = hosts.map((host) => hostSignal(host)?.value.interval ?? kUsualInterval);
  const step = stepFor(window.end - window.start, kPoints, Math.max(1, ...intervals));
  const start = Math.floor(window.start / step) * step;
  const key = JSON.stringify([hosts, types, start, window.end, step]);
  const answer = useRequest(key, (signal) =>
    Promise.all(hosts.map((host) => getMetrics({ host, types, start, end: window.end, step }, signal))),
  );
  const data = useMemo(() => answer.data?.map((one) => toColumns(one.series)) ?? null, [answer.data]);
  return { ...answer, data, step, tier: answer.data?.[0]?.tier ?? null };
}
