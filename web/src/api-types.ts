// The API as the aggregator answers it.  Unknown keys may appear in any answer and are ignored.
// Times are Unix seconds (fractions are milliseconds); a value that was not measured is absent or null.

export type HostStatus = "online" | "stale" | "offline" | "archived";
export type Tags = Record<string, string>;

/** The fixed last values of a host; each is absent where the host does not measure it. */
export const kLatest = {
  cpu: "cpu.total_usage",
  memory: "memory.usage_percent",
  disk: "disk.usage_percent",
  pressure: "pressure.worst_percent",
  load: "load.per_core",
  received: "network.bytes_recv",
  sent: "network.bytes_sent",
  temperature: "sensor.temperature_celsius",
  uptime: "system.uptime_seconds",
  failedUnits: "systemd.failed_units",
} as const;

export interface Host {
  hostname: string;
  status: HostStatus;
  last_seen: number | null;
  interval: number | null;
  tags: Tags;
  version: string | null;
  agent_id: string | null;
  first_seen: number | null;
  /** Seconds by which the host's clock is ahead of the aggregator's. */
  clock_offset: number | null;
  latest: Record<string, number>;
  /** For a worst-of in `latest`: which series it is. */
  latest_tags: Record<string, Tags>;
}

export interface HostList {
  hosts: Host[];
  count: number;
  online: number;
  stale: number;
  offline: number;
  archived: number;
  next_cursor: string | null;
}

export interface HostEvent {
  start: number;
  end: number | null;
  kind: string;
  detail: Record<string, unknown>;
}

export type Facts = Record<string, unknown>;

export interface HostDetail extends Host {
  facts: Facts | null;
  series: number;
  events: HostEvent[];
  ledger: { committed: number; dropped: number; gaps: number };
}

export interface Series {
  host: string;
  type: string;
  unit: string;
  kind: string;
  tags: Tags;
  times: number[];
  values: (number | null)[];
}

export interface MetricsAnswer {
  start: number;
  end: number;
  step: number | null;
  tier: string;
  series: Series[];
}

export interface LatestMetric {
  host: string;
  type: string;
  tags: Tags;
  value: number;
  timestamp: number;
  unit: string;
  /** Per second, for a counter that was seen twice. */
  rate: number | null;
}

export interface LatestAnswer {
  metrics: LatestMetric[];
}

export interface FleetSummary {
  total_hosts: number;
  online_hosts: number;
  stale_hosts: number;
  offline_hosts: number;
  avg_cpu_percent: number | null;
  avg_memory_percent: number | null;
  total_memory_used_bytes: number | null;
  total_disk_used_bytes: number | null;
  timestamp: number;
}

export interface Difference {
  type: string;
  /** Tags that mean the same on every host; devices and the like are folded into one series. */
  tags: Tags;
  unit: string;
  /** The medians of a counter are per second. */
  kind: string;
  median: Record<string, number>;
  effect: number;
  text: string;
}

export interface FactDifference {
  fact: string;
  values: Record<string, unknown>;
}

export interface CompareAnswer {
  hosts: string[];
  start: number;
  end: number;
  differs: Difference[];
  /** How big the machines are. */
  sizes: Difference[];
  facts: FactDifference[];
  missing: Record<string, number | null>;
  clock_offset: Record<string, number | null>;
}

export interface Health {
  status: string;
  version?: string;
  /** How long each tier is kept, in seconds. */
  retention_s?: Record<string, number>;
  warnings?: string[];
}

/** What a delta says of one host: only what changed; in `latest` null says that a value is no longer measured. */
export type HostChange = { hostname: string; removed?: boolean } & Partial<
  Omit<Host, "hostname" | "latest">
> & {
    latest?: Record<string, number | null>;
  };

export type ServerMessage =
  | { kind: "hello"; hosts: Host[]; time: number }
  | { kind: "delta"; hosts: HostChange[]; time: number };

export type ClientMessage = { kind: "watch"; host: string } | { kind: "unwatch" };

/** A time without samples, and why. */
export interface Gap {
  start: number;
  /** Null while it lasts. */
  end: number | null;
  cause: string;
  /** The cause as a sentence. */
  text: string;
  /** The samples came afterwards. */
  late: boolean;
}

/** Batches that are not here: declared dropped, with the reason, or simply missing. */
export interface MissingBatches {
  /** The numbers of the first and the last. */
  from: number;
  to: number;
  start: number;
  end: number | null;
  reason: string;
  stream: string | null;
}

export interface GapList {
  start: number;
  end: number;
  gaps: Gap[];
  missing: MissingBatches[];
}

export interface Process {
  pid: number;
  user?: string | null;
  command?: string | null;
  cpu_percent?: number | null;
  rss_bytes?: number | null;
  read_bytes?: number | null;
  write_bytes?: number | null;
}

export interface ProcessList {
  /** When the snapshot was taken; null where there is none. */
  time: number | null;
  processes: Process[];
}

/** What the agent said last of its own batches: sealed + recovered = acked + spooled + dropped + balance. */
export interface AgentLedger {
  time: number;
  sealed: number;
  recovered: number;
  acked: number;
  spooled: number;
  dropped: Record<string, number>;
  quarantined: number;
  corrupt_records: number;
  balance: number;
}

/** One run of the agent, in batches: highest = stored + dropped + missing. */
export interface Stream {
  stream: string;
  mark: number;
  highest: number;
  stored?: number;
  dropped?: number;
  missing: number;
  duplicates?: number;
  last_seen: number;
}

export interface Ledger {
  committed: number;
  /** Samples in batches that were declared dropped. */
  dropped: number;
  /** Batches that are neither stored nor declared dropped. */
  gaps: number;
  streams: Stream[];
  stored?: number;
  /** Batches by reason. */
  declared?: Record<string, number>;
  duplicates?: number;
  /** Samples by code. */
  rejected?: Record<string, number>;
  /** Since when duplicates and rejected are counted. */
  since?: number;
  agent?: AgentLedger | null;
  /** Of the gaps, those that the agent does not hold either. */
  unexplained?: number;
}

export interface MetricType {
  type: string;
  unit: string;
  kind: string;
  tags: string[];
  help: string;
  formula: string;
  source: string;
  since: string;
}
