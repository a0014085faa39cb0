// The fleet: how many are well, what they do on average, and every host, worst first.
import { batch, useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { parseQuery } from "../../search";
import { worstFirst } from "../../severity";
import { allHosts, counts, hostNames, hostsError, hostsLoaded } from "../../state/hosts";
import { retryNow } from "../../state/live";
import { parameters, setParameter } from "../../state/route";
import { FirstHost } from "./first-host";
import { HostTable } from "./host-table";
import { SearchBox } from "./search-box";
import { SelectionBar } from "./selection-bar";
import { SummaryStrip } from "./summary-strip";

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}

/** The names to show, in order.  The order stands still while the pointer is over the table. */
function useOrder(query: string, frozen: boolean): readonly string[] {
  const wanted = useSignal(query);
  const still = useSignal(frozen);
  const held = useRef<readonly string[]>([]);
  useEffect(() => {
    batch(() => {
      wanted.value = query;
      still.value = frozen;
    });
  }, [query, frozen]);
  return useComputed(() => {
    const test = parseQuery(wanted.value);
    const old = held.current;
    const rank = new Map(old.map((name, index) => [name, index]));
    const hosts = allHosts().filter(test).sort(worstFirst);
    if (still.value)
      hosts.sort((a, b) => (rank.get(a.hostname) ?? hosts.length) - (rank.get(b.hostname) ?? hosts.length));
    const names = hosts.map((host) => host.hostname);
    if (sameNames(names, old)) return old;
    held.current = names;
    return names;
  }).value;
}

export function FleetPage() {
  const query = parameters.value.get("q") ?? "";
  const frozen = useSignal(false);
  const order = useOrder(query, frozen.value);
  useEffect(() => {
    document.title = "Fleet · sysmon";
  }, []);
  const total = counts.value.total - counts.value.archived;
  const setQuery = (text: string) => setParameter("q", text || null);

  return (
    <main class="page fleet">
      <h1 class="hidden">Fleet</h1>
      <SummaryStrip query={query} onQuery={setQuery} />
      {hostsError.value && !hostsLoaded.value && (
        <div class="notice" role="alert">
          <span>{hostsError.value}</span>
          <button type="button" class="button" onClick={retryNow}>
            Try again
          </button>
        </div>
      )}
      {hostsLoaded.value && hostNames.value.length === 0 ? (
        <FirstHost />
      ) : (
        <>
          <SearchBox
            query={query}
            onQuery={setQuery}
            shown={order.length}
            total={hostsLoaded.value ? total : null}
          />
          <HostTable
            names={order}
            loading={!hostsLoaded.value}
            onHover={(over) => {
              frozen.value = over;
            }}
          />
          {hostsLoaded.value && order.length === 0 && (
            <p class="none-match">
              No host matches <code>{query}</code>.{" "}
              <button type="button" class="link-button" onClick={() => setQuery("")}>
                Show all {total}
              </button>
            </p>
          )}
        </>
      )}
      <SelectionBar />
    </main>
  );
}
