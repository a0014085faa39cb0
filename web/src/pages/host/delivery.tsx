// The delivery ledger: every batch of this host is stored, given up with a reason, waiting on the host, or missing.
import type { ComponentChildren } from "preact";
import { getLedger } from "../../api";
import type { AgentLedger, Ledger, Stream } from "../../api-types";
import { Age } from "../../components/age";
import { Icon } from "../../components/icons";
import { type Face, Panel } from "../../components/panel";
import * as format from "../../format";
import { reasonList } from "../../gaps";
import { useRequest } from "../../state/use-request";
import { useEvery } from "./use-every";

const kRefreshMs = 15_000;

interface FigureProps {
  label: string;
  value: number | undefined;
  /** What the number means, or what it is made of. */
  note?: string | null;
  bad?: boolean;
}

function Figure({ label, value, note, bad = false }: FigureProps) {
  if (value === undefined) return null;
  return (
    <div class="fact">
      <dt>{label}</dt>
      <dd class={bad ? "reading crit" : undefined}>
        {bad && <Icon name="warn" />} {format.count(value)}
      </dd>
      {note && <dd class="fine">{note}</dd>}
    </div>
  );
}

function Side({ title, children }: { title: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="ledger-side">
      <h3>{title}</h3>
      <dl class="figures">{children}</dl>
    </section>
  );
}

function sum(counts: Readonly<Record<string, number>> | undefined): number | undefined {
  return counts && Object.values(counts).reduce((all, one) => all + one, 0);
}

function Aggregator({ ledger }: { ledger: Ledger }) {
  const { since, unexplained } = ledger;
  const counted = since ? `since ${format.dateTime(since)}` : null;
  const onTheWay = unexplained === undefined ? 0 : ledger.gaps - unexplained;
  return (
    <Side title="Here, at the aggregator">
      <Figure label="Batches stored" value={ledger.stored ?? ledger.committed} />
      <Figure
        label="Batches given up"
        value={sum(ledger.declared)}
        note={reasonList(ledger.declared)}
        bad={(sum(ledger.declared) ?? 0) > 0}
      />
      <Figure
        label="Samples given up"
        value={ledger.dropped}
        note={ledger.dropped ? "the agent said so itself" : null}
        bad={ledger.dropped > 0}
      />
      <Figure
        label="Batches missing"
        value={ledger.gaps}
        note={
          ledger.gaps === 0 ? null : onTheWay > 0 ? `${onTheWay} still wait on the host` : "nobody has them"
        }
        bad={(unexplained ?? ledger.gaps) > 0}
      />
      <Figure label="Batches that came twice" value={ledger.duplicates} note={counted} />
      <Figure
        label="Samples refused"
        value={sum(ledger.rejected)}
        note={reasonList(ledger.rejected) ?? counted}
      />
    </Side>
  );
}

function Agent({ agent }: { agent: AgentLedger }) {
  const dropped = sum(agent.dropped) ?? 0;
  return (
    <Side
      title={
        <>
          On the host, as its agent said <Age time={agent.time} />
        </>
      }
    >
      <Figure
        label="Batches made"
        value={agent.sealed}
        note={agent.recovered ? `and ${agent.recovered} found from before it started` : "since it started"}
      />
      <Figure label="Confirmed as stored" value={agent.acked} />
      <Figure label="Waiting to be sent" value={agent.spooled} />
      <Figure label="Given up" value={dropped} note={reasonList(agent.dropped)} bad={dropped > 0} />
      {agent.quarantined > 0 && (
        <Figure
          label="Kept aside"
          value={agent.quarantined}
          note="refused for ever: sysmon agent spool shows them on the host"
          bad
        />
      )}
      {agent.corrupt_records > 0 && (
        <Figure label="Damaged places in its queue" value={agent.corrupt_records} bad />
      )}
      <div class="fact">
        <dt>Do the books add up?</dt>
        <dd class={agent.balance === 0 ? "reading balanced" : "reading crit"}>
          <Icon name={agent.balance === 0 ? "check" : "warn"} />{" "}
          {agent.balance === 0 ? "yes" : `no, off by ${agent.balance}`}
        </dd>
        <dd class="fine">made = confirmed + waiting + given up</dd>
      </div>
    </Side>
  );
}

function Streams({ streams }: { streams: readonly Stream[] }) {
  const told = streams.some((one) => one.stored !== undefined);
  return (
    <div class="table-box">
      <table class="plain">
        <thead>
          <tr>
            <th title="A new one begins whenever the agent starts with an empty queue">Run of the agent</th>
            <th class="num">Batches made</th>
            {told && <th class="num">Stored</th>}
            {told && <th class="num">Given up</th>}
            <th class="num">Missing</th>
            {told && <th class="num">Came twice</th>}
            <th class="num" title="Every batch up to this number is stored or was given up">
              Whole up to
            </th>
            <th>Last batch</th>
          </tr>
        </thead>
        <tbody>
          {streams.map((one) => (
            <tr key={one.stream}>
              <th scope="row">
                <code title={one.stream}>{one.stream.slice(0, 12)}</code>
              </th>
              <td class="num">{one.highest}</td>
              {told && <td class="num">{one.stored ?? format.kAbsent}</td>}
              {told && <td class="num">{one.dropped ?? format.kAbsent}</td>}
              <td class="num">{one.missing}</td>
              {told && <td class="num">{one.duplicates ?? format.kAbsent}</td>}
              <td class="num">{one.mark}</td>
              <td>{format.dateTime(one.last_seen)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Delivery({ name }: { name: string }) {
  const { data, error, reload } = useRequest(`ledger ${name}`, (signal) => getLedger(name, signal));
  useEvery(kRefreshMs, reload);
  let face: Face = { kind: "ok" };
  if (!data && error) face = { kind: "error", text: error.message, retry: reload };
  else if (!data) face = { kind: "loading" };
  else if (!data.streams.length)
    face = {
      kind: "empty",
      text: "This host numbers no batches: what it sent is stored, what it did not is unknown.",
    };
  else if (error) face = { kind: "stale", text: "not updated" };
  return (
    <Panel
      title="Delivery"
      note="Every batch of samples has a number: it is stored here, given up with a reason, waiting on the host, or missing."
      face={face}
      class="delivery"
    >
      {data && <Aggregator ledger={data} />}
      {data?.agent && <Agent agent={data.agent} />}
      {data && <Streams streams={data.streams} />}
    </Panel>
  );
}
