// The chart families of a host's page: what each asks for and how it is drawn.
import type { Column, Columns } from "../series";
import { colorOf, type Drawn, kMaxLines, peak, pick, total } from "./lines";
import type { Line } from "./uplot";

export interface Family {
  id: string;
  title: string;
  /** What the chart shows, for the panel's tooltip. */
  note: string;
  unit: string;
  stacked: boolean;
  types: readonly string[];
  /** The scale ends at least here. */
  leastTop: number;
  /** The metric whose highest value a stack of averages hides. */
  peak?: string;
  /** A fixed end of the scale, from the data. */
  top?(data: Columns): number | null;
  draw(data: Columns): Drawn;
}

interface Part extends Line {
  type: string;
  tags?: Record<string, string>;
}

function has(column: Column, part: Part): boolean {
  return (
    column.type === part.type &&
    Object.entries(part.tags ?? {}).every(([key, value]) => column.tags[key] === value)
  );
}

/** Draws named metrics in the given order; what the host does not send is left out. */
function fixedParts(parts: readonly Part[], keepZero = true): Family["draw"] {
  return (data) => {
    const found = pick(data, (column) => parts.some((part) => has(column, part)));
    const shown = parts.flatMap((part) => {
      const column = found.columns.find((one) => has(one, part));
      return column && (keepZero || peak(column) > 0) ? [{ part, column }] : [];
    });
    return {
      times: found.times,
      lines: shown.map(({ part }) => part),
      values: shown.map(({ column }) => column.values),
    };
  };
}

const kModes: readonly Part[] = [
  { type: "cpu.system_percent", label: "system", color: "--s2" },
  { type: "cpu.user_percent", label: "user", color: "--s1" },
  { type: "cpu.nice_percent", label: "nice", color: "--s6" },
  { type: "cpu.softirq_percent", label: "softirq", color: "--s3" },
  { type: "cpu.irq_percent", label: "irq", color: "--s7" },
  { type: "cpu.steal_percent", label: "steal", color: "--s4" },
  { type: "cpu.iowait_percent", label: "iowait", color: "--s5" },
];

const kCpu: Family = {
  id: "cpu",
  title: "CPU",
  note: "Share of all cores by mode; idle is the empty space. Waiting for IO is not work and stands on top.",
  unit: "percent",
  stacked: true,
  types: kModes.map((part) => part.type),
  peak: "cpu.total_usage",
  leastTop: 100,
  top: () => 100,
  draw: fixedParts(kModes, false),
};

const kMemory: Family = {
  id: "memory",
  title: "Memory",
  note: "Used is what cannot be reclaimed; cache is given back when programs need it. The empty space is free.",
  unit: "bytes",
  stacked: true,
  types: ["memory.used_bytes", "memory.available_bytes", "memory.free_bytes", "memory.total_bytes"],
  leastTop: 1,
  top: (data) =>
    data.columns
      .filter((column) => column.type === "memory.total_bytes")
      .reduce((most, column) => Math.max(most, peak(column)), 0) || null,
  draw(data) {
    const found = pick(data, (column) => column.type.startsWith("memory.") && column.type.endsWith("_bytes"));
    const values = (type: string) => found.columns.find((column) => column.type === type)?.values;
    const used = values("memory.used_bytes");
    const available = values("memory.available_bytes");
    const free = values("memory.free_bytes");
    const drawn: Drawn = { times: found.times, lines: [], values: [] };
    if (used) {
      drawn.lines.push({ label: "used", color: "--s1" });
      drawn.values.push(used);
    }
    if (available && free) {
      drawn.lines.push({ label: "cache", color: "--s6" });
      drawn.values.push(
        available.map((value, row) => {
          const unused = free[row];
          return value === null || unused === null || unused === undefined
            ? null
            : Math.max(0, value - unused);
        }),
      );
    }
    return drawn;
  },
};

/** Two directions for each device: one colour a device, the second direction dashed. */
function perDevice(
  tag: string,
  first: Omit<Part, "color">,
  second: Omit<Part, "color">,
  ignored: RegExp,
): Family["draw"] {
  return (data) => {
    const found = pick(
      data,
      (column) =>
        (column.type === first.type || column.type === second.type) && !ignored.test(column.tags[tag] ?? ""),
    );
    const names = [...new Set(found.columns.map((column) => column.tags[tag] ?? ""))];
    const busiest = (name: string) =>
      Math.max(...found.columns.filter((column) => column.tags[tag] === name).map(peak));
    names.sort((a, b) => busiest(b) - busiest(a) || a.localeCompare(b));
    // A device that did nothing in the whole range is noise, but an idle host still shows its busiest.
    const awake = names.filter((name, index) => index === 0 || busiest(name) > 0);
    const room = kMaxLines / 2;
    const alone = awake.length > room ? awake.slice(0, room - 1) : awake;
    const folded = awake.slice(alone.length);
    const drawn: Drawn = { times: found.times, lines: [], values: [] };
    const add = (name: string, devices: readonly string[], index: number) => {
      for (const [part, dashed] of [
        [first, false],
        [second, true],
      ] as const) {
        const columns = found.columns.filter(
          (column) => column.type === part.type && devices.includes(column.tags[tag] ?? ""),
        );
        if (!columns.length) continue;
        drawn.lines.push({ label: `${name} ${part.label}`, color: colorOf(index), dashed });
        drawn.values.push(total(columns));
      }
    };
    for (const [index, name] of alone.entries()) add(name, [name], index);
    if (folded.length) add(`other (${folded.length})`, folded, alone.length);
    return drawn;
  };
}

const kDiskIo: Family = {
  id: "diskio",
  title: "Disk IO",
  note: "Bytes per second read (line) and written (dashed), by device.",
  unit: "bytes_per_second",
  stacked: false,
  types: ["diskio.read_bytes", "diskio.write_bytes"],
  leastTop: 4096,
  draw: perDevice(
    "device",
    { type: "diskio.read_bytes", label: "read" },
    { type: "diskio.write_bytes", label: "write" },
    /^(loop|ram|zram)\d/,
  ),
};

const kNetwork: Family = {
  id: "network",
  title: "Network",
  note: "Bytes per second received (line) and sent (dashed), by interface; loopback is left out.",
  unit: "bytes_per_second",
  stacked: false,
  types: ["network.bytes_recv", "network.bytes_sent"],
  leastTop: 4096,
  draw: perDevice(
    "interface",
    { type: "network.bytes_recv", label: "in" },
    { type: "network.bytes_sent", label: "out" },
    /^lo$/,
  ),
};

const kWindow = { window: "10s" };
const kPressures: readonly Part[] = [
  { type: "pressure.cpu_some_percent", label: "cpu some", color: "--s1", tags: kWindow },
  { type: "pressure.memory_some_percent", label: "memory some", color: "--s4", tags: kWindow },
  { type: "pressure.memory_full_percent", label: "memory full", color: "--s4", dashed: true, tags: kWindow },
  { type: "pressure.io_some_percent", label: "io some", color: "--s5", tags: kWindow },
  { type: "pressure.io_full_percent", label: "io full", color: "--s5", dashed: true, tags: kWindow },
];

const kPressure: Family = {
  id: "pressure",
  title: "Pressure",
  note: "Share of time in which some (line) or all (dashed) tasks waited for a resource, over the last 10 s.",
  unit: "percent",
  stacked: false,
  types: kPressures.map((part) => part.type),
  leastTop: 5,
  draw: fixedParts(kPressures),
};

const kLoads: readonly Part[] = [
  { type: "load.avg1", label: "1 min", color: "--s1" },
  { type: "load.avg5", label: "5 min", color: "--s3" },
  { type: "load.avg15", label: "15 min", color: "--s4" },
];

const kLoad: Family = {
  id: "load",
  title: "Load",
  note: "Tasks running or waiting, averaged over 1, 5 and 15 minutes.",
  unit: "load",
  stacked: false,
  types: kLoads.map((part) => part.type),
  leastTop: 1,
  draw: fixedParts(kLoads),
};

/** In the order of the page; one that a host sends nothing for is named in a line below, not drawn empty. */
export const kFamilies: readonly Family[] = [kCpu, kMemory, kDiskIo, kNetwork, kPressure, kLoad];

/** What the first screen of a host's page is drawn from. */
export const kFirstTypes: readonly string[] = [
  ...new Set(kFamilies.flatMap((family) => [...family.types, ...(family.peak ? [family.peak] : [])])),
];
