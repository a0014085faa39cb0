// Every series of a host with its last value; any of them opens as a chart.
import { useSignal } from "@preact/signals";
import type { Host } from "../../api-types";
import type { Mark } from "../../charts/marks";
import { Age } from "../../components/age";
import { type Face, Panel } from "../../components/panel";
import * as format from "../../format";
import type { Window } from "../../time-range";
import { MetricChart } from "./metric-charts";
import type { LatestOf } from "./use-latest";

interface Props {
  name: string;
  host: Host | null;
  interval: number;
  latest: LatestOf;
  causeOf(span: Window): string;
  marks: readonly Mark[];
}

// More rows than anybody reads; the filter finds the others.
const kMostRows = 400;

export function AllMetrics({ latest, ...props }: Props) {
  const filter = useSignal("");
  const open = useSignal<string | null>(null);
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = latest.metrics
    .filter((one) => {
      const text = `${one.type} ${Object.values(one.tags).join(" ")}`.toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .sort((a, b) => (a.type === b.type ? 0 : a.type < b.type ? -1 : 1));
  const chosen = latest.types.find((one) => one.type === open.value);
  let face: Face = { kind: "ok" };
  if (!latest.data && latest.error)
    face = { kind: "error", text: latest.error.message, retry: latest.reload };
  else if (!latest.data) face = { kind: "loading" };
  return (
    <>
      {chosen && (
        <div class="charts">
          <MetricChart key={chosen.type} metric={chosen} {...props} />
        </div>
      )}
      <Panel
        title="All metrics"
        face={face}
        aside={
          <span class="moment">
            {found.length} of {latest.metrics.length} series
          </span>
        }
      >
        <div class="panel-tools">
          <input
            type="search"
            class="input"
            aria-label="Filter metrics"
            placeholder="Filter: disk.usage /var"
            value={filter.value}
            onInput={(event) => {
              filter.value = event.currentTarget.value;
            }}
          />
        </div>
        <div class="table-box">
          <table class="plain metrics">
            <thead>
              <tr>
                <th>Metric</th>
                <th>Tags</th>
                <th class="num">Last value</th>
                <th class="num">Age</th>
              </tr>
            </thead>
            <tbody>
              {found.slice(0, kMostRows).map((one) => (
                <tr key={`${one.type} ${JSON.stringify(one.tags)}`}>
                  <th scope="row">
                    <button
                      type="button"
                      class="link-button"
                      title={latest.known.get(one.type)?.help}
                      onClick={() => {
                        open.value = one.type;
                        scrollTo(0, 0);
                      }}
                    >
                      {one.type}
                    </button>
                  </th>
                  <td class="fine wrap">{format.tagList(one.tags)}</td>
                  <td class="num">
                    {one.rate === null
                      ? format.inUnit(one.value, one.unit)
                      : format.inUnit(one.rate, format.shownUnit(one.unit, "counter"))}
                  </td>
                  <td class="num">
                    <Age time={one.timestamp} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {found.length > kMostRows && (
          <p class="nothing">{found.length - kMostRows} more: filter to see them.</p>
        )}
      </Panel>
    </>
  );
}
