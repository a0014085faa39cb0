// Facts and sizes in which the hosts differ.
import type { CompareAnswer } from "../../api-types";
import { colorOf } from "../../charts/lines";
import { type Face, Panel } from "../../components/panel";
import * as format from "../../format";
import type { Answer } from "../../state/use-request";

interface Props {
  hosts: readonly string[];
  answer: Answer<CompareAnswer>;
}

export function FactTable({ hosts, answer }: Props) {
  const { data, error, reload } = answer;
  const facts = data?.facts ?? [];
  const sizes = data?.sizes ?? [];
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
            {facts.map(({ fact, values }) => (
              <tr key={fact} data-fact={fact}>
                <th scope="row">{fact.replaceAll("_", " ").replace(/ bytes$/, "")}</th>
                {hosts.map((host) => (
                  <td key={host}>{format.fact(fact, values[host])}</td>
                ))}
              </tr>
            ))}
            {sizes.map(({ type, tags, unit, median }) => (
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
    </Panel>
  );
}
