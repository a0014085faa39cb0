// The delivery ledger: what of this host's batches is stored, was given up, and is missing.
import { getLedger } from "../../api";
import { type Face, Panel } from "../../components/panel";
import * as format from "../../format";
import { useRequest } from "../../state/use-request";
import { useEvery } from "./use-every";

const kRefreshMs = 15_000;

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
  const figures = data && [
    ["Batches stored", data.committed],
    ["Samples dropped, declared by the agent", data.dropped],
    ["Batches missing", data.gaps],
  ];
  return (
    <Panel
      title="Delivery"
      note="Every numbered batch is stored, declared dropped with the samples in it, or missing."
      face={face}
      class="delivery"
    >
      <dl class="figures">
        {figures?.map(([label, value]) => (
          <div key={label} class="fact">
            <dt>{label}</dt>
            <dd>{format.count(value as number)}</dd>
          </div>
        ))}
      </dl>
      <div class="table-box">
        <table class="plain">
          <thead>
            <tr>
              <th>Stream</th>
              <th class="num">All up to</th>
              <th class="num">Highest</th>
              <th class="num">Missing</th>
              <th>Last batch</th>
            </tr>
          </thead>
          <tbody>
            {data?.streams.map((one) => (
              <tr key={one.stream}>
                <th scope="row">
                  <code>{one.stream.slice(0, 12)}</code>
                </th>
                <td class="num">{one.mark}</td>
                <td class="num">{one.highest}</td>
                <td class="num">{one.missing}</td>
                <td>{format.dateTime(one.last_seen)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
