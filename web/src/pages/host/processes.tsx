// The top processes at the moment under the crosshair, or now; snapshots, so it says how near they are.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { getProcesses } from "../../api";
import type { Process } from "../../api-types";
import { type Face, Panel } from "../../components/panel";
import * as format from "../../format";
import { hostSignal } from "../../state/hosts";
import { pointed } from "../../state/pointed";
import { range } from "../../state/range";
import { useRequest } from "../../state/use-request";

// The crosshair moves faster than anybody reads.
const kSettleMs = 120;
const kColumns = [
  { key: "cpu_percent", label: "CPU", text: format.percent },
  { key: "rss_bytes", label: "Memory", text: format.bytes },
  { key: "read_bytes", label: "Read", text: format.byteRate },
  { key: "write_bytes", label: "Written", text: format.byteRate },
] as const;

type Key = (typeof kColumns)[number]["key"];

/** The moment under the crosshair once it rests, else the end of a window that stands still, else now. */
function useMoment(): number | undefined {
  const at = pointed.value ?? range.value.fixed?.end;
  const settled = useSignal(at);
  useEffect(() => {
    const timer = setTimeout(() => {
      settled.value = at;
    }, kSettleMs);
    return () => clearTimeout(timer);
  }, [at]);
  return settled.value;
}

function sorted(processes: readonly Process[], by: Key): Process[] {
  return [...processes].sort((a, b) => (b[by] ?? 0) - (a[by] ?? 0) || a.pid - b.pid);
}

interface Props {
  name: string;
  /** At most so many. */
  most: number;
}

export function Processes({ name, most }: Props) {
  const by = useSignal<Key>("cpu_percent");
  const moment = useMoment();
  // Without a moment the newest is asked for again whenever the host has pushed.
  const pushed = hostSignal(name)?.value.last_seen ?? 0;
  const key = moment === undefined ? `now ${Math.floor(pushed / 30)}` : String(Math.floor(moment));
  const { data, error, reload } = useRequest(
    `${name} ${key}`,
    (signal) => getProcesses(name, moment, signal),
    {
      keep: name,
    },
  );
  let face: Face = { kind: "ok" };
  if (!data && error) face = { kind: "error", text: error.message, retry: reload };
  else if (!data) face = { kind: "loading" };
  else if (data.time === null)
    face = {
      kind: "empty",
      text:
        moment === undefined
          ? "This host sends no snapshots of its processes."
          : `No snapshot of processes is kept from before ${format.dateTime(moment)}.`,
    };
  const time = data?.time ?? null;
  return (
    <Panel
      title="Top processes"
      note="Snapshots, at most one a minute. Point into a chart to see the one nearest before that moment."
      face={face}
      class="processes"
      aside={
        time !== null && (
          <span class="moment">
            {moment === undefined
              ? format.clockSeconds(time)
              : `${format.clockSeconds(time)}, ${format.duration(Math.abs(moment - time))} before the crosshair`}
          </span>
        )
      }
    >
      <div class="table-box">
        <table class="plain">
          <thead>
            <tr>
              <th class="num pid">PID</th>
              <th class="user">User</th>
              <th>Command</th>
              {kColumns.map(({ key: column, label }) => (
                <th
                  key={column}
                  class={`num ${column}`}
                  aria-sort={by.value === column ? "descending" : undefined}
                >
                  <button
                    type="button"
                    class="sort"
                    onClick={() => {
                      by.value = column;
                    }}
                  >
                    {label}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sorted(data?.processes ?? [], by.value)
              .slice(0, most)
              .map((one) => (
                <tr key={one.pid} data-pid={one.pid}>
                  <td class="num pid">{one.pid}</td>
                  <td class="user">{one.user ?? format.kAbsent}</td>
                  <th scope="row" class="command" title={one.command ?? undefined}>
                    {one.command ?? format.kAbsent}
                  </th>
                  {kColumns.map(({ key: column, text }) => {
                    const value = one[column];
                    return (
                      <td key={column} class={`num ${column}`}>
                        {value === null || value === undefined ? format.kAbsent : text(value)}
                      </td>
                    );
                  })}
                </tr>
              ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
