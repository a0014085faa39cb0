// The host's filesystems, fullest first.
import { useEffect } from "preact/hooks";
import { getLatest } from "../../api";
import type { Host, LatestMetric } from "../../api-types";
import { Icon } from "../../components/icons";
import { Meter } from "../../components/meter";
import { type Face, Panel } from "../../components/panel";
import * as format from "../../format";
import { useRequest } from "../../state/use-request";

// Filesystems are measured once a minute.
const kRefreshMs = 30_000;

interface Filesystem {
  mountpoint: string;
  device: string;
  fstype: string;
  values: Record<string, number>;
}

/** One row a mount point from the host's last values. */
function filesystemsOf(metrics: readonly LatestMetric[]): Filesystem[] {
  const rows = new Map<string, Filesystem>();
  for (const { type, tags, value } of metrics) {
    if (!type.startsWith("disk.") || tags.mountpoint === undefined) continue;
    const key = JSON.stringify([tags.mountpoint, tags.device ?? ""]);
    let row = rows.get(key);
    if (!row) {
      row = { mountpoint: tags.mountpoint, device: tags.device ?? "", fstype: tags.fstype ?? "", values: {} };
      rows.set(key, row);
    }
    row.values[type] = value;
  }
  return [...rows.values()].sort(
    (a, b) =>
      (b.values["disk.usage_percent"] ?? 0) - (a.values["disk.usage_percent"] ?? 0) ||
      a.mountpoint.localeCompare(b.mountpoint),
  );
}

function bytesOf(row: Filesystem, type: string): string {
  const value = row.values[type];
  return value === undefined ? format.kAbsent : format.bytes(value);
}

export function Filesystems({ name, host }: { name: string; host: Host | null }) {
  const { data, error, reload } = useRequest(name, (signal) => getLatest(name, signal));
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) reload();
    }, kRefreshMs);
    return () => clearInterval(timer);
  }, []);

  const rows = filesystemsOf(data?.metrics ?? []);
  let face: Face = { kind: "ok" };
  if (!data && error) face = { kind: "error", text: error.message, retry: reload };
  else if (!data) face = { kind: "loading" };
  else if (!rows.length) face = { kind: "empty", text: "This host sends no filesystems." };
  else if (error) face = { kind: "stale", text: "not updated" };
  else if (host && host.status !== "online") face = { kind: "stale", text: `host is ${host.status}` };

  return (
    <Panel title="Filesystems" face={face} class="filesystems">
      <div class="table-box">
        <table class="plain">
          <thead>
            <tr>
              <th>Mounted at</th>
              <th class="device">Device</th>
              <th>In use</th>
              <th class="num">Used</th>
              <th class="num">Size</th>
              <th class="num">Available</th>
              <th class="inodes">Inodes</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={`${row.mountpoint} ${row.device}`}>
                <th scope="row" class="mount" title={row.mountpoint}>
                  {row.mountpoint}
                  {row.values["disk.readonly"] === 1 && (
                    <span class="badge stale" title="Mounted read-only">
                      <Icon name="warn" /> read-only
                    </span>
                  )}
                </th>
                <td class="device fine">
                  {row.device} {row.fstype && <span class="tag">{row.fstype}</span>}
                </td>
                <td class="metered" data-label="In use">
                  <Meter type="disk.usage_percent" value={row.values["disk.usage_percent"]} />
                </td>
                <td class="num" data-label="Used">
                  {bytesOf(row, "disk.used_bytes")}
                </td>
                <td class="num" data-label="Size">
                  {bytesOf(row, "disk.total_bytes")}
                </td>
                <td class="num" data-label="Available">
                  {bytesOf(row, "disk.available_bytes")}
                </td>
                <td class="metered inodes" data-label="Inodes">
                  <Meter type="disk.inodes_usage_percent" value={row.values["disk.inodes_usage_percent"]} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
