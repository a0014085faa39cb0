// What differs, the clearest difference first.
import { useSignal } from "@preact/signals";
import type { CompareAnswer, Difference } from "../../api-types";
import { colorOf } from "../../charts/lines";
import { type Face, Panel } from "../../components/panel";
import * as format from "../../format";
import type { Answer } from "../../state/use-request";

// What fits beside the facts; the rest is a press away.
const kFirstShown = 6;

interface Props {
  hosts: readonly string[];
  answer: Answer<CompareAnswer>;
}

function Bars({ hosts, one }: { hosts: readonly string[]; one: Difference }) {
  const most = Math.max(...hosts.map((host) => Math.abs(one.median[host] ?? 0)), Number.MIN_VALUE);
  return (
    <ul class="medians">
      {hosts.map((host, index) => {
        const value = one.median[host];
        return (
          <li key={host} title={`median of ${host}`}>
            <span class="bar" style={{ color: `var(${colorOf(index)})` }}>
              <span
                class="fill"
                style={{ width: `${value === undefined ? 0 : (100 * Math.abs(value)) / most}%` }}
              />
            </span>
            <span class="median-host">{host}</span>
            <span class="number">{format.inUnit(value, format.shownUnit(one.unit, one.kind))}</span>
          </li>
        );
      })}
    </ul>
  );
}

export function Differences({ hosts, answer }: Props) {
  const { data, error, reload } = answer;
  const whole = useSignal(false);
  const differs = data?.differs ?? [];
  const shown = whole.value ? differs : differs.slice(0, kFirstShown);
  let face: Face = { kind: "ok" };
  if (!data && error) face = { kind: "error", text: error.message, retry: reload };
  else if (!data) face = { kind: "loading" };
  else if (!differs.length)
    face = { kind: "empty", text: "Nothing differs in this range beyond ordinary noise." };
  return (
    <Panel
      title="What differs"
      note="Ranked by the distance of the medians, measured in the hosts' own spread."
      face={face}
      class="differences"
    >
      <ol class="ranks">
        {shown.map((one, index) => (
          <li key={`${one.type} ${JSON.stringify(one.tags)}`} data-difference={one.type}>
            <span class="rank">{index + 1}</span>
            <div class="rank-body">
              <p class="rank-text">{format.sentence(one.text)}</p>
              <p class="rank-type fine">
                <code>{one.type}</code>
                {Object.keys(one.tags).length > 0 && <span> · {format.tagList(one.tags)}</span>}
                <span class="effect" title="Distance of the medians in units of the usual spread">
                  effect {format.effect(one.effect)}
                </span>
              </p>
            </div>
            <Bars hosts={hosts} one={one} />
          </li>
        ))}
      </ol>
      {differs.length > shown.length && (
        <button
          type="button"
          class="more"
          onClick={() => {
            whole.value = true;
          }}
        >
          Show {differs.length - shown.length} more
        </button>
      )}
    </Panel>
  );
}
