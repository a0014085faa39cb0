// Every host, a row each.  A row is drawn again only when its own host changes.
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { kLatest } from "../../api-types";
import { Age } from "../../components/age";
import { Meter, Reading } from "../../components/meter";
import { Status } from "../../components/status";
import * as format from "../../format";
import { hostSignal } from "../../state/hosts";
import { hostPath } from "../../state/route";
import { selected, toggleSelected } from "../../state/selection";

const kMeters = [
  { type: kLatest.cpu, label: "CPU", title: "CPU in use, all cores" },
  { type: kLatest.memory, label: "Memory", title: "Memory that cannot be reclaimed" },
  { type: kLatest.disk, label: "Disk", title: "The fullest filesystem" },
  { type: kLatest.pressure, label: "Pressure", title: "The worst of CPU, memory and IO pressure, last 10 s" },
] as const;

const kColumns = 11;
// The worst hosts stand first, so that the first rows are those that are looked for.
const kRowsAtOnce = 80;

function Tags({ tags }: { tags: Record<string, string> }) {
  return (
    <span class="tags">
      {Object.entries(tags).map(([key, value]) => (
        <span key={key} class="tag" title={`${key}: ${value}`}>
          {value}
        </span>
      ))}
    </span>
  );
}

function Row({ name }: { name: string }) {
  const chosen = useComputed(() => selected.value.includes(name)).value;
  const host = hostSignal(name)?.value;
  if (!host) return null;
  const { latest } = host;
  return (
    <tr class={`host-row ${host.status}${chosen ? " chosen" : ""}`} data-host={name}>
      <td class="check">
        <label class="check-target">
          <input
            type="checkbox"
            aria-label={`Select ${name}`}
            checked={chosen}
            onChange={() => toggleSelected(name)}
          />
        </label>
      </td>
      <td class="state">
        <Status status={host.status} />
        <span class="seen">
          <Age time={host.last_seen} />
        </span>
      </td>
      <th scope="row" class="name">
        <a href={hostPath(name)} data-host-link title={name}>
          {name}
        </a>
        <Tags tags={host.tags} />
      </th>
      {kMeters.map(({ type, label }) => (
        <td key={type} class="metered" data-label={label}>
          <Meter type={type} value={latest[type]} title={format.tagList(host.latest_tags[type] ?? {})} />
        </td>
      ))}
      <td class="num load" data-label="Load/core">
        <Reading type={kLatest.load} value={latest[kLatest.load]} text={format.ratio} />
      </td>
      <td class="num net" data-label="Network">
        <span class="flow" title="received">
          <Reading type={kLatest.received} value={latest[kLatest.received]} text={format.byteRate} />{" "}
          <span class="way">in</span>
        </span>
        <span class="flow" title="sent">
          <Reading type={kLatest.sent} value={latest[kLatest.sent]} text={format.byteRate} />{" "}
          <span class="way">out</span>
        </span>
      </td>
      <td class="num temp" data-label="Temp.">
        <Reading type={kLatest.temperature} value={latest[kLatest.temperature]} text={format.celsius} />
      </td>
      <td class="num up" data-label="Uptime">
        <Reading type={kLatest.uptime} value={latest[kLatest.uptime]} text={format.duration} />
      </td>
    </tr>
  );
}

function Skeletons() {
  return (
    <>
      {[0, 1, 2, 3].map((row) => (
        <tr key={row} class="host-row">
          <td colSpan={kColumns}>
            <div class="skeleton row-skeleton" />
          </td>
        </tr>
      ))}
    </>
  );
}

/** How many rows to draw: as many as were scrolled to, `kRowsAtOnce` more each time `end` comes near. */
function useRowsInReach(total: number) {
  const reach = useSignal(kRowsAtOnce);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!end.current || reach.value >= total) return;
    const watcher = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) reach.value += kRowsAtOnce;
      },
      { rootMargin: "600px" },
    );
    watcher.observe(end.current);
    return () => watcher.disconnect();
  }, [total, reach.value]);
  return { reach: reach.value, end };
}

interface Props {
  names: readonly string[];
  loading: boolean;
  onHover(over: boolean): void;
}

export function HostTable({ names, loading, onHover }: Props) {
  const { reach, end } = useRowsInReach(names.length);
  return (
    <div
      class="table-box"
      onPointerEnter={(event) => event.pointerType === "mouse" && onHover(true)}
      onPointerLeave={() => onHover(false)}
    >
      <table class="hosts" aria-busy={loading}>
        <thead>
          <tr>
            <th class="check">
              <span class="hidden">Select</span>
            </th>
            <th class="state" title="Online, stale or offline, and when the host was last heard of">
              Status
            </th>
            <th class="name">Host</th>
            {kMeters.map(({ type, label, title }) => (
              <th key={type} class="metered" title={title}>
                {label}
              </th>
            ))}
            <th class="num load" title="Load over one minute, divided by the number of cores">
              Load/core
            </th>
            <th class="num net">Network</th>
            <th class="num temp" title="The hottest sensor">
              Temp.
            </th>
            <th class="num up">Uptime</th>
          </tr>
        </thead>
        <tbody>
          {loading ? <Skeletons /> : names.slice(0, reach).map((name) => <Row key={name} name={name} />)}
        </tbody>
      </table>
      <div ref={end} />
    </div>
  );
}
