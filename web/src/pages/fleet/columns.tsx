// The columns of the fleet: what each shows, how it sorts, and whether it is there unless chosen otherwise.
import type { ComponentChildren } from "preact";
import { type Host, kLatest } from "../../api-types";
import { Age } from "../../components/age";
import { Mark, Meter, Reading } from "../../components/meter";
import * as format from "../../format";
import { health } from "../../state/health";
import { skew } from "../../versions";
import { Trend } from "./trend";

export interface Column {
  id: string;
  label: string;
  title: string;
  width: number; // in CSS pixels
  kind: "metered" | "num" | "text";
  usual: boolean;
  /** What it sorts by; undefined sorts last whatever the direction. */
  value(host: Host): number | string | undefined;
  cell(host: Host): ComponentChildren;
  /** The metric whose thresholds apply; a map can be coloured by it. */
  type?: string;
}

function metered(id: string, label: string, title: string, type: string, trend = false): Column {
  return {
    id,
    label,
    title,
    width: 144,
    kind: "metered",
    usual: true,
    type,
    value: (host) => host.latest[type],
    cell: (host) => (
      <>
        <Meter type={type} value={host.latest[type]} title={format.tagList(host.latest_tags[type] ?? {})} />
        {trend && <Trend name={host.hostname} type={type} />}
      </>
    ),
  };
}

function reading(
  id: string,
  label: string,
  title: string,
  type: string,
  text: (value: number) => string,
  width: number,
  usual = true,
): Column {
  return {
    id,
    label,
    title,
    width,
    kind: "num",
    usual,
    type,
    value: (host) => host.latest[type],
    cell: (host) => <Reading type={type} value={host.latest[type]} text={text} />,
  };
}

function network(host: Host): number | undefined {
  const received = host.latest[kLatest.received];
  const sent = host.latest[kLatest.sent];
  return received === undefined && sent === undefined ? undefined : (received ?? 0) + (sent ?? 0);
}

export const kColumns: readonly Column[] = [
  metered("cpu", "CPU", "CPU in use, all cores; below, the last hour", kLatest.cpu, true),
  metered("memory", "Memory", "Memory that cannot be reclaimed; below, the last hour", kLatest.memory, true),
  metered("disk", "Disk", "The fullest filesystem", kLatest.disk),
  metered("pressure", "Pressure", "The worst of CPU, memory and IO pressure, last 10 s", kLatest.pressure),
  reading(
    "load",
    "Load/core",
    "Load over one minute, divided by the number of cores",
    kLatest.load,
    format.ratio,
    86,
  ),
  {
    id: "network",
    label: "Network",
    title: "Received and sent, all interfaces but loopback",
    width: 142,
    kind: "num",
    usual: true,
    value: network,
    cell: ({ latest }) => (
      <>
        <span class="flow" title="received">
          <Reading type={kLatest.received} value={latest[kLatest.received]} text={format.byteRate} />{" "}
          <span class="way">in</span>
        </span>
        <span class="flow" title="sent">
          <Reading type={kLatest.sent} value={latest[kLatest.sent]} text={format.byteRate} />{" "}
          <span class="way">out</span>
        </span>
      </>
    ),
  },
  reading("temperature", "Temp.", "The hottest sensor", kLatest.temperature, format.celsius, 78),
  reading("uptime", "Uptime", "Since the last boot", kLatest.uptime, format.duration, 104),
  reading(
    "units",
    "Failed units",
    "systemd units that failed",
    kLatest.failedUnits,
    format.count,
    100,
    false,
  ),
  {
    id: "seen",
    label: "Last seen",
    title: "When the host was last heard of",
    width: 120,
    kind: "num",
    usual: false,
    value: (host) => host.last_seen ?? undefined,
    cell: (host) => <Age time={host.last_seen} />,
  },
  {
    id: "version",
    label: "Agent",
    title: "The agent's version",
    width: 90,
    kind: "text",
    usual: false,
    value: (host) => host.version ?? undefined,
    cell: (host) => {
      const told = skew(host.version, health.value?.version);
      return (
        <span class={told ? "reading warn" : undefined} title={told ?? undefined}>
          {told && <Mark severity={1} />}
          {host.version ?? format.kAbsent}
        </span>
      );
    },
  },
  {
    id: "interval",
    label: "Interval",
    title: "How often the host pushes",
    width: 84,
    kind: "num",
    usual: false,
    value: (host) => host.interval ?? undefined,
    cell: (host) => (host.interval === null ? format.kAbsent : format.duration(host.interval)),
  },
  {
    id: "clock",
    label: "Clock",
    title: "By how much the host's clock is ahead of the aggregator's",
    width: 90,
    kind: "num",
    usual: false,
    value: (host) => host.clock_offset ?? undefined,
    cell: (host) => (host.clock_offset === null ? format.kAbsent : format.seconds(host.clock_offset)),
  },
];

export const kUsualColumns = kColumns.filter((column) => column.usual).map((column) => column.id);

/** Columns by id; a name that is not one (of an older version) is passed over. */
export function columnsOf(ids: readonly string[]): Column[] {
  return ids.flatMap((id) => kColumns.find((column) => column.id === id) ?? []);
}
