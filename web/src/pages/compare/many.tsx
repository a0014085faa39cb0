// More hosts than lines can be told apart: the usual band, who is out of it, and a small chart for each.
import { useMemo } from "preact/hooks";
import { getMetricsOfMany, getTypes } from "../../api";
import { ChartPanel } from "../../charts/chart-panel";
import type { Drawn } from "../../charts/lines";
import { overlay, type Subject } from "../../charts/overlay";
import { pointText } from "../../charts/point-text";
import { Sparkline } from "../../charts/sparkline";
import { type Face, Panel } from "../../components/panel";
import * as format from "../../format";
import { kUsualInterval } from "../../grid";
import { median, type Outlier, outliers, usual } from "../../outliers";
import { stepFor, toColumns } from "../../series";
import { manyMetric, setManyMetric } from "../../state/compare-view";
import { moveTo, setWindow } from "../../state/range";
import { hostPath } from "../../state/route";
import { useRequest } from "../../state/use-request";
import type { Window } from "../../time-range";

const kPoints = 180;
// The least spread that counts, by unit, as the aggregator's ranking has it.
const kFloors: Readonly<Record<string, number>> = { percent: 2, celsius: 2 };

function bandOf(drawn: Drawn): { middle: Drawn; low: Drawn; high: Drawn } {
  const found = usual(drawn.times.length, drawn.values);
  const line = { label: "half of the hosts", color: "--s1" };
  const one = (values: (number | null)[]): Drawn => ({ times: drawn.times, lines: [line], values: [values] });
  return { middle: one(found.middle), low: one(found.low), high: one(found.high) };
}

function outlierText(one: Outlier, unit: string): string {
  return `${one.host} ${format.inUnit(one.median, unit)}, ${one.distance > 0 ? "above" : "below"} the others`;
}

export function Many({ hosts, window }: { hosts: readonly string[]; window: Window }) {
  const type = manyMetric.value;
  const registry = useRequest("types", getTypes);
  const info = registry.data?.find((one) => one.type === type);
  const step = stepFor(window.end - window.start, kPoints, kUsualInterval);
  const key = JSON.stringify([hosts, type, window]);
  const { data, error, reload } = useRequest(key, (signal) =>
    getMetricsOfMany({ hosts, types: [type], start: window.start, end: window.end, step }, signal),
  );
  const unit = format.shownUnit(
    info?.unit ?? data?.series[0]?.unit ?? "",
    info?.kind ?? data?.series[0]?.kind ?? "",
  );
  const { drawn, band, medians } = useMemo(() => {
    const subject: Subject = { title: type, type, tags: {}, unit, leastTop: 0 };
    const columns = hosts.map((host) => toColumns((data?.series ?? []).filter((one) => one.host === host)));
    const all = overlay(subject, hosts, columns);
    const found = new Map<string, number>();
    all.lines.forEach((line, index) => {
      const middle = median(all.values[index] ?? []);
      if (middle !== null) found.set(line.label, middle);
    });
    return { drawn: all, band: bandOf(all), medians: found };
  }, [data, unit]);
  const far = outliers(medians, kFloors[unit] ?? 0);
  const names = [
    ...far.map((one) => one.host),
    ...hosts.filter((host) => !far.some((one) => one.host === host)),
  ];
  const top = drawn.values
    .flat()
    .reduce<number>((most, value) => Math.max(most, value ?? 0), unit === "percent" ? 5 : 0);
  let face: Face = { kind: "ok" };
  if (!data && error) face = { kind: "error", text: error.message, retry: reload };
  else if (!data) face = { kind: "loading" };
  else if (!drawn.lines.length) face = { kind: "empty", text: "None of these hosts sends this metric." };
  return (
    <>
      <label class="choice">
        Metric
        <select class="input" value={type} onChange={(event) => setManyMetric(event.currentTarget.value)}>
          {(registry.data ?? []).map((one) => (
            <option key={one.type} value={one.type}>
              {one.type}
            </option>
          ))}
        </select>
      </label>
      <div class="compare-top">
        <ChartPanel
          id="many"
          title={`${type} of ${hosts.length} hosts`}
          note="The line is the middle host, the band holds 80 % of the hosts."
          unit={unit}
          stacked={false}
          leastTop={unit === "percent" ? 5 : 1e-9}
          top={null}
          drawn={band.middle}
          band={band}
          window={window}
          since={null}
          interval={step}
          face={face}
          syncKey="compare"
          source={{ hosts, types: [type], step }}
          told={pointText(step, data?.tier ?? null)}
          onZoom={(next) => next && setWindow(next)}
          onPan={moveTo}
        />
        <Panel
          title="Outliers"
          class="outliers"
          face={
            face.kind === "ok" && !far.length
              ? { kind: "empty", text: "No host is far from the others." }
              : face
          }
        >
          <ol class="ranks">
            {far.map((one, index) => (
              <li key={one.host} data-outlier={one.host}>
                <span class="rank">{index + 1}</span>
                <p class="rank-text">{outlierText(one, unit)}</p>
              </li>
            ))}
          </ol>
        </Panel>
      </div>
      <ul class="small-multiples">
        {names.map((host) => {
          const at = drawn.lines.findIndex((line) => line.label === host);
          const value = medians.get(host);
          return (
            <li key={host} class={far.some((one) => one.host === host) ? "host-small outlier" : "host-small"}>
              <a href={hostPath(host)}>{host}</a>
              <span class="number">{format.inUnit(value, unit)}</span>
              <Sparkline times={drawn.times} values={drawn.values[at] ?? []} window={window} top={top} />
            </li>
          );
        })}
      </ul>
    </>
  );
}
