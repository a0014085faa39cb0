// The fleet: how many are well, what they do on average, and every host, worst first.
import { useComputed } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Icon } from "../../components/icons";
import { chosenColumns, colourBy, folded, groupBy, sizeBy, view } from "../../state/fleet-view";
import {
  counts,
  hostNames,
  hostSignal,
  hostsError,
  hostsLoaded,
  peekHosts,
  settledChanges,
} from "../../state/hosts";
import { retryNow } from "../../state/live";
import { parameters, setParameter } from "../../state/route";
import { columnsOf, kUsualColumns } from "./columns";
import { FirstHost } from "./first-host";
import { HostGrid } from "./host-grid";
import { HostMap, kMapColumns, kSizeColumns } from "./host-map";
import { HostTable } from "./host-table";
import { type Group, grouped } from "./order";
import { SearchBox } from "./search-box";
import { SelectionBar } from "./selection-bar";
import { SummaryStrip } from "./summary-strip";
import { Toolbar } from "./toolbar";
import { useOrder } from "./use-order";

/** The shown hosts in their groups; without a tag they are one group. */
function useGroups(names: readonly string[], tag: string | null): Group[] {
  const changes = settledChanges.value;
  return useMemo(() => {
    if (tag === null)
      return [{ value: "", names: [...names], counts: {}, worst: 0, averages: { cpu: null, memory: null } }];
    return grouped(
      names.flatMap((name) => hostSignal(name)?.peek() ?? []),
      tag,
    );
  }, [names, tag, tag === null ? 0 : changes]);
}

/** Keys of all tags, sorted; the same array until one comes or goes. */
function useTagKeys(): readonly string[] {
  const text = useComputed(() => {
    settledChanges.value;
    const keys = new Set<string>();
    for (const host of peekHosts()) for (const key of Object.keys(host.tags)) keys.add(key);
    return JSON.stringify([...keys].sort());
  }).value;
  return useMemo(() => JSON.parse(text) as string[], [text]);
}

function Hosts({ loading }: { loading: boolean }) {
  const query = parameters.value.get("q") ?? "";
  const setQuery = (text: string) => setParameter("q", text || null);
  const { names, question, outdated, sortNow, onHover } = useOrder();
  const tag = groupBy.value;
  const groups = useGroups(names, tag);
  const ids = chosenColumns.value ?? kUsualColumns;
  const columns = useMemo(() => columnsOf(ids), [ids]);
  const total = counts.value.total - counts.value.archived;
  const colour = kMapColumns.find((column) => column.id === colourBy.value) ?? kMapColumns[0];
  const size = kSizeColumns.find((column) => column.id === sizeBy.value) ?? null;
  const shared = { groups, tag, folded: folded.value, question: loading ? "" : question };
  return (
    <>
      <div class="search-row">
        <SearchBox query={query} onQuery={setQuery} shown={names.length} total={loading ? null : total} />
        {outdated && (
          <button type="button" class="pill" onClick={sortNow}>
            <Icon name="down" /> Sort again
          </button>
        )}
        <span class="spring" />
        <Toolbar tags={useTagKeys()} columns={ids} />
      </div>
      <div
        class="host-list"
        onPointerEnter={(event) => event.pointerType === "mouse" && onHover(true)}
        onPointerLeave={() => onHover(false)}
      >
        {view.value === "table" && (
          <HostTable {...shared} names={names} columns={columns} loading={loading} />
        )}
        {view.value === "grid" && !loading && <HostGrid {...shared} columns={columns} />}
        {view.value === "map" && !loading && colour && <HostMap {...shared} column={colour} size={size} />}
      </div>
      {!loading && names.length === 0 && (
        <p class="none-match">
          No host matches <code>{query}</code>.{" "}
          <button type="button" class="link-button" onClick={() => setQuery("")}>
            Show all {total}
          </button>
        </p>
      )}
    </>
  );
}

export function FleetPage() {
  useEffect(() => {
    document.title = "Fleet · sysmon";
  }, []);
  return (
    <main class="page fleet">
      <h1 class="hidden">Fleet</h1>
      <SummaryStrip />
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
        <Hosts loading={!hostsLoaded.value} />
      )}
      <SelectionBar />
    </main>
  );
}
