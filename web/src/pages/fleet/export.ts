// The fleet as a file: the chosen hosts, or all that are shown.
import { type Host, kLatest } from "../../api-types";
import { toCsv } from "../../csv";
import { saveText } from "../../download";

const kTypes = Object.values(kLatest);

export function hostsAsCsv(hosts: readonly Host[]): string {
  return toCsv(
    ["hostname", "status", "last_seen", "version", "tags", ...kTypes],
    hosts.map((host) => [
      host.hostname,
      host.status,
      host.last_seen,
      host.version,
      Object.entries(host.tags)
        .map(([key, value]) => `${key}=${value}`)
        .join(" "),
      ...kTypes.map((type) => host.latest[type]),
    ]),
  );
}

export function exportHosts(hosts: readonly Host[], kind: "csv" | "json"): void {
  if (kind === "csv") saveText("hosts.csv", "text/csv", hostsAsCsv(hosts));
  else saveText("hosts.json", "application/json", JSON.stringify({ hosts }, null, 2));
}
