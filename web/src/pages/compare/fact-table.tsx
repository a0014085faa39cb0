// Facts and sizes in which the hosts differ.
import { useSignal } from "@preact/signals";
import type { CompareAnswer } from "../../api-types";
import { colorOf } from "../../charts/lines";
import { type Face, Panel } from "../../components/panel";
import * as format from "../../format";
import type { Answer } from "../../state/use-request";

// As many as stand beside the first differences.
const kFirstShown = 9;

// What a fact says already is not said a second time by the metric of the same size.
const kFactOf: Readonly<Record<string, string>> = {
  "cpu.logical_count": "cores",
  "memory.total_bytes": "memory_bytes",
};

/** `device of /var/log` for `mounts./var/log.device`: the mount point is what one looks for. */
function factName(fact: string): string {
  const [, mount, what] = /^mounts\.(.+)\.(\w+)$/.exec(fact) ?? [];
  return mount
    ? `${what} of ${mount}`
    : fact
        .replace(/^tags\./, "tag ")
        .replaceAll("_", " ")
        .replace(/ bytes$/, "");
}

interface Props {
  hosts: readonly string[];
  answer: Answer<CompareAnswer>;
}

export function FactTable({ hosts, answer }: Props) {
  const { data, error, reload } = answer;
  const facts = data?.facts ?? [];
  const told = new Set(facts.map((one) => one.fact));
  const sizes = (data?.sizes ?? []).filter((one) => !told.has(kFactOf[one.type] ?? ""));
  const whole = useSignal(false);
  const room = whole.value ? Number.POSITIVE_INFINITY : kFirstShown;
  const hidden = facts.length + sizes.length - room;
  let face: Face = { kind: "ok" };
  if (!data && error) face = { kind: "error", text: error.message, retry: reload };
  else if (!data) face = { kind: "loading" };
  else if (!facts.length && !sizes.length)
    face = { kind: "empty", text: "The facts known of these hosts are equal." };
  return (
    <Panel title="Facts that differ" face={face} class="fact-differences">
      <div class="table-box">
        <table class="plain">
          <thead>
            <tr>
              <th>Fact</th>
              {hosts.map((host, index) => (
                <th key={host}>
                  <span class="swatch" style={{ color: `var(${colorOf(index)})` }} /> {host}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {facts.slice(0, room).map(({ fact, values }) => (
              <tr key={fact} data-fact={fact}>
                <th scope="row">{factName(fact)}</th>
                {hosts.map((host) => (
                  <td key={host}>{format.fact(fact, values[host])}</td>
                ))}
              </tr>
            ))}
            {sizes.slice(0, Math.max(0, room - facts.length)).map(({ type, tags, unit, median }) => (
              <tr key={`${type} ${JSON.stringify(tags)}`} data-size={type}>
                <th scope="row" title={type}>
                  {type
                    .replace(".", " ")
                    .replaceAll("_", " ")
                    .replace(/ bytes$/, "")}{" "}
                  <span class="fine">{Object.values(tags).join(" ")}</span>
                </th>
                {hosts.map((host) => (
                  <td key={host}>{format.inUnit(median[host], unit)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {hidden > 0 && (
        <button
          type="button"
          class="more"
          onClick={() => {
            whole.value = true;
          }}
        >
          Show {hidden} more
        </button>
      )}
    </Panel>
  );
}
