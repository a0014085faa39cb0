// Hosts by status (each a filter) and what the fleet does as a whole.
import { useEffect } from "preact/hooks";
import { getSummary } from "../../api";
import type { HostStatus } from "../../api-types";
import { Icon } from "../../components/icons";
import * as format from "../../format";
import { now } from "../../state/clock";
import { counts, hostsLoaded } from "../../state/hosts";
import { parameters, setParameter } from "../../state/route";
import { needsToken } from "../../state/session";
import { useRequest } from "../../state/use-request";

const kStatuses: readonly HostStatus[] = ["online", "stale", "offline", "archived"];
const kRefreshMs = 10_000;

function Tile({ label, value, bar }: { label: string; value: string; bar?: number | null }) {
  return (
    <div class="tile">
      <span class="tile-label">{label}</span>
      <span class="tile-value">{value}</span>
      {bar !== undefined && (
        <span class="bar" aria-hidden="true">
          <span class="fill" style={{ width: `${Math.min(100, bar ?? 0)}%` }} />
        </span>
      )}
    </div>
  );
}

/** The query with `filter` put in or taken out; chips of one kind replace each other. */
function toggled(query: string, filter: string): string {
  const words = query.split(/\s+/).filter(Boolean);
  const others = words.filter((word) => !word.startsWith("state:"));
  return (words.includes(filter) ? others : [...others, filter]).join(" ");
}

export function SummaryStrip() {
  const query = parameters.value.get("q") ?? "";
  const { data, reload } = useRequest("summary", getSummary);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden && !needsToken.value) reload();
    }, kRefreshMs);
    return () => clearInterval(timer);
  }, []);
  // A host that came or changed its status changes the averages too.
  const { total, online } = counts.value;
  useEffect(() => {
    if (hostsLoaded.value) reload();
  }, [total, online]);

  const show = (value: number | null | undefined, text: (value: number) => string) =>
    value === null || value === undefined ? format.kAbsent : text(value);
  const old = data && now.value - data.timestamp > 60;
  return (
    <section class="strip" aria-label="Fleet summary">
      <div class="tile counts">
        <span class="tile-label">Hosts</span>
        <div class="chips">
          {kStatuses.map((status) => {
            // Archiving is rare: it has a chip only where there is something behind it.
            if (status === "archived" && !counts.value.archived) return null;
            const filter = `state:${status}`;
            const on = query.split(/\s+/).includes(filter);
            return (
              <button
                key={status}
                type="button"
                class={`chip ${status}${counts.value[status] ? "" : " none"}`}
                aria-pressed={on}
                onClick={() => setParameter("q", toggled(query, filter) || null)}
                title={on ? "Show all hosts" : `Show ${status} hosts only`}
              >
                <Icon name={status} />
                <strong>{hostsLoaded.value ? counts.value[status] : format.kAbsent}</strong> {status}
              </button>
            );
          })}
        </div>
      </div>
      <Tile
        label={old ? "CPU average (old)" : "CPU average"}
        value={show(data?.avg_cpu_percent, format.percent)}
        bar={data?.avg_cpu_percent ?? null}
      />
      <Tile
        label="Memory average"
        value={show(data?.avg_memory_percent, format.percent)}
        bar={data?.avg_memory_percent ?? null}
      />
      <Tile label="Memory used" value={show(data?.total_memory_used_bytes, format.bytes)} />
      <Tile label="Disk used" value={show(data?.total_disk_used_bytes, format.bytes)} />
    </section>
  );
}
