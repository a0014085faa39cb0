// Two or more hosts beside each other: what differs, ranked; their facts; and the curves, one colour a host.
import { useEffect, useMemo } from "preact/hooks";
import { kMaxCompared, kMaxSmall } from "../../address";
import { getCompare } from "../../api";
import type { Difference } from "../../api-types";
import { colorOf } from "../../charts/lines";
import { HostPicker } from "../../components/host-picker";
import { Icon } from "../../components/icons";
import { Status } from "../../components/status";
import { TimeBar } from "../../components/time-bar";
import { hostSignal } from "../../state/hosts";
import { currentWindow, range } from "../../state/range";
import { hostPath, setParameter } from "../../state/route";
import { useRequest } from "../../state/use-request";
import type { Window } from "../../time-range";
import { Curves } from "./curves";
import { Differences } from "./differences";
import { FactTable } from "./fact-table";
import { Honesty } from "./honesty";
import { Layouts } from "./layouts";
import { Many } from "./many";

const kNone: readonly Difference[] = [];

function HostChip({ name, index, onRemove }: { name: string; index: number; onRemove(): void }) {
  const host = hostSignal(name)?.value;
  return (
    <span class="host-chip">
      <span class="swatch" style={{ color: `var(${colorOf(index)})` }} />
      <a href={hostPath(name)}>{name}</a>
      {host && <Status status={host.status} />}
      <button type="button" class="icon-button small" onClick={onRemove} aria-label={`Remove ${name}`}>
        <Icon name="close" />
      </button>
    </span>
  );
}

export function ComparePage({ hosts }: { hosts: string[] }) {
  const { seconds, fixed } = range.value;
  const setHosts = (names: readonly string[]) => setParameter("hosts", names.join(",") || null);
  useEffect(() => {
    document.title = hosts.length ? `${hosts.join(", ")} · compare · sysmon` : "Compare · sysmon";
  }, [hosts.join(",")]);

  const Looked = hosts.length > kMaxCompared ? ManyHosts : Comparison;
  return (
    <main class="page compare">
      <div class="host-head">
        <h1 class="host-title">Compare</h1>
        <div class="host-chips">
          {hosts.map((name, index) => (
            <HostChip
              key={name}
              name={name}
              index={index}
              onRemove={() => setHosts(hosts.filter((one) => one !== name))}
            />
          ))}
          {hosts.length < kMaxSmall && (
            <HostPicker
              label={hosts.length ? "Add a host" : "Choose the first host"}
              icon="plus"
              without={hosts}
              onPick={(name) => setHosts([...hosts, name])}
            />
          )}
        </div>
      </div>
      <TimeBar />
      {hosts.length < 2 ? (
        <p class="face compare-hint">
          {hosts.length === 0 ? "Choose two hosts or more" : "Choose one more host"} to see what differs
          between them. On the fleet page, tick hosts and press <kbd>c</kbd>.
        </p>
      ) : (
        <Looked key={JSON.stringify([hosts, seconds, fixed])} hosts={hosts} />
      )}
    </main>
  );
}

/** The window stands still while one reads: ranks that move under the eye help nobody. */
function useStillWindow(): Window {
  return useMemo(() => {
    const { start, end } = currentWindow();
    return { start: Math.floor(start), end: Math.floor(end) };
  }, []);
}

function ManyHosts({ hosts }: { hosts: string[] }) {
  return <Many hosts={hosts} window={useStillWindow()} />;
}

function Comparison({ hosts }: { hosts: string[] }) {
  const window = useStillWindow();
  const answer = useRequest(JSON.stringify([hosts, window]), (signal) =>
    getCompare(hosts, window.start, window.end, signal),
  );
  return (
    <>
      <div class={hosts.length > 2 ? "compare-top many" : "compare-top"}>
        <Differences hosts={hosts} answer={answer} />
        <FactTable hosts={hosts} answer={answer} />
      </div>
      <Layouts hosts={hosts} />
      <Curves hosts={hosts} window={window} differs={answer.data?.differs ?? kNone} />
      {answer.data && <Honesty answer={answer.data} />}
    </>
  );
}
