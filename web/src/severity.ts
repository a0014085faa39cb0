// How bad a value looks.  Display thresholds colour the page and never notify anybody.
import { type Host, type HostStatus, kLatest } from "./api-types";

export type Severity = 0 | 1 | 2; // fine, warn, critical
export const kSeverityNames = ["ok", "warn", "crit"] as const;

const kThresholds: Record<string, readonly [warn: number, critical: number]> = {
  [kLatest.cpu]: [80, 95],
  [kLatest.memory]: [85, 95],
  [kLatest.disk]: [80, 90],
  [kLatest.pressure]: [20, 50],
  [kLatest.load]: [1, 2],
  [kLatest.temperature]: [75, 90],
  [kLatest.failedUnits]: [1, Number.POSITIVE_INFINITY],
  "disk.inodes_usage_percent": [80, 90],
};

// Looked through for every host of a fleet, once a second.
const kLimits = Object.entries(kThresholds);

export function severityOf(type: string, value: number | null | undefined): Severity {
  const limits = kThresholds[type];
  if (!limits || value === null || value === undefined) return 0;
  if (value >= limits[1]) return 2;
  return value >= limits[0] ? 1 : 0;
}

/** The worst severity among a host's last values. */
export function worstOf(host: Host): Severity {
  let worst: Severity = 0;
  for (const [type] of kLimits) {
    const one = severityOf(type, host.latest[type]);
    if (one > worst) worst = one;
  }
  return worst;
}

// Between stale and offline the longer silence is worse; a critical value on a live host outranks a warning.
const kStatusRank: Record<HostStatus, number> = { offline: 2, stale: 1, online: 0, archived: -1 };

/** How far a value has come towards its critical threshold: 1 is critical. */
function strain(host: Host): number {
  let most = 0;
  for (const [type, [warn, critical]] of kLimits) {
    const value = host.latest[type];
    if (value !== undefined) most = Math.max(most, value / (Number.isFinite(critical) ? critical : 2 * warn));
  }
  return most;
}

/**
 * Hosts worst first: by status, then severity, then how near a limit.
 * Ties stay as they come, which is by name, so that they do not jump.
 */
export function worstFirst(hosts: readonly Host[]): Host[] {
  // Weighed once each: a comparison of ten thousand hosts would weigh each some twenty times.
  const weighed = hosts.map((host) => ({
    host,
    // A tenth is coarse enough that ordinary noise does not reorder the table.
    weight:
      kStatusRank[host.status] * 1e6 + worstOf(host) * 1e5 + Math.min(9e4, Math.round(strain(host) * 10)),
  }));
  weighed.sort((a, b) => b.weight - a.weight);
  return weighed.map(({ host }) => host);
}
