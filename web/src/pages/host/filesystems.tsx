// The host's filesystems, fullest first.
import { useMemo } from "preact/hooks";
import { getMetrics } from "../../api";
import type { Host, LatestMetric, Series } from "../../api-types";
import { Icon } from "../../components/icons";
import { Meter } from "../../components/meter";
import { type Face, Panel } from "../../components/panel";
import { secondsUntilFull, slope } from "../../forecast";
import * as format from "../../format";
import { now } from "../../state/clock";
import { useRequest } from "../../state/use-request";
import { useEvery } from "./use-every";
import type { LatestOf } from "./use-latest";

// How a filesystem grew in this span says when it will be full.
const kGrowthSeconds = 24 * 3600;
const kGrowthStep = 900;
const kGrowthRefreshMs = 600_000;
// Below this a full filesystem is somebody's business today.
const kSoonSeconds = 24 * 3600;

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

/** Bytes per second by which each mount point grew over the last day. */
function useGrowth(name: string): ReadonlyMap<string, number | null> {
  const { data, reload } = useRequest(`growth ${name}`, async (signal) => {
    const start = Math.floor((now.peek() - kGrowthSeconds) / kGrowthStep) * kGrowthStep;
    return getMetrics({ host: name, types: ["disk.used_bytes"], start, step: kGrowthStep }, signal);
  });
  useEvery(kGrowthRefreshMs, reload);
  return useMemo(
    () =>
      new Map(
        (data?.series ?? []).map((one: Series) => [one.tags.mountpoint ?? "", slope(one.times, one.values)]),
      ),
    [data],
  );
}

function Forecast({ row, growth }: { row: Filesystem; growth: number | null | undefined }) {
  const available = row.values["disk.available_bytes"];
  const left = available === undefined ? null : secondsUntilFull(available, growth ?? null);
  if (left === null)
    return <span class="fine">{growth === undefined ? format.kAbsent : "not in sight"}</span>;
  return (
    <span class={left < kSoonSeconds ? "reading crit" : "reading"}>
      {left < kSoonSeconds && (
        <span class="mark crit">
          <Icon name="crit" />
        </span>
      )}
      in {format.duration(left)}
    </span>
  );
}

export function Filesystems({ name, host, latest }: { name: string; host: Host | null; latest: LatestOf }) {
  const { data, error, reload } = latest;
  const growth = useGrowth(name);

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
              <th class="num" title="As fast as it grew over the last 24 h (the median of the slopes)">
                Full
              </th>
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
                <td class="num full" data-label="Full">
                  <Forecast row={row} growth={growth.get(row.mountpoint)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
