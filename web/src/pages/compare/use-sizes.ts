// How big the compared machines are, from the facts that they told.
import { useMemo } from "preact/hooks";
import { getHost } from "../../api";
import { per } from "../../state/compare-view";
import { useRequest } from "../../state/use-request";

const kFacts = { core: ["cores", 1], gib: ["memory_bytes", 2 ** 30] } as const;

/** Cores or GiB by host; null where nothing is divided or the answer is not there yet. */
export function useSizes(hosts: readonly string[]): ReadonlyMap<string, number> | null {
  const wanted = per.value?.id ?? null;
  const { data } = useRequest(JSON.stringify([hosts, wanted !== null]), (signal) =>
    wanted === null ? Promise.resolve([]) : Promise.all(hosts.map((host) => getHost(host, signal))),
  );
  return useMemo(() => {
    if (wanted === null || !data?.length) return null;
    const [fact, unit] = kFacts[wanted];
    return new Map(
      data.flatMap(({ hostname, facts }) => {
        const size = Number(facts?.[fact]) / unit;
        return size > 0 ? [[hostname, size] as const] : [];
      }),
    );
  }, [data, wanted]);
}
