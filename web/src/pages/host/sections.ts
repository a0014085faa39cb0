// The sections of a host's page, and which metrics each shows: every metric is in one.

export interface Section {
  id: string;
  title: string;
  /** First words of the names of its metrics; empty for what is made by hand. */
  families: readonly string[];
}

export const kSections: readonly Section[] = [
  { id: "overview", title: "Overview", families: [] },
  { id: "cpu", title: "CPU", families: ["cpu", "load", "pressure"] },
  { id: "memory", title: "Memory", families: ["memory", "swap", "vmstat"] },
  { id: "disks", title: "Disks", families: ["disk", "diskio", "raid", "nfs"] },
  {
    id: "network",
    title: "Network",
    families: ["network", "tcp", "udp", "sockets", "conntrack", "softnet"],
  },
  { id: "processes", title: "Processes", families: ["process"] },
  { id: "system", title: "System", families: ["system", "kernel", "systemd", "time"] },
  { id: "sensors", title: "Sensors", families: ["sensor", "battery"] },
  { id: "agent", title: "Agent", families: ["agent"] },
  { id: "other", title: "Other", families: [] },
  { id: "events", title: "Events", families: [] },
  { id: "metrics", title: "All metrics", families: [] },
];

export function familyOf(type: string): string {
  return type.split(".", 1)[0] ?? type;
}

/** The section that shows a metric; `other` for a family that the page does not know. */
export function sectionOf(type: string): string {
  const family = familyOf(type);
  return kSections.find((section) => section.families.includes(family))?.id ?? "other";
}
