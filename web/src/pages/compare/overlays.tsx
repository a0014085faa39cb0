// One chart a metric, one line a host: first the metrics everybody asks for, then those that differ most.
import { useMemo } from "preact/hooks";
import type { Difference } from "../../api-types";
import { ChartPanel } from "../../charts/chart-panel";
import type { Drawn } from "../../charts/lines";
import { overlay, type Subject } from "../../charts/overlay";
import type { Face } from "../../components/panel";
import * as format from "../../format";
import { setWindow } from "../../state/range";
import { useMetricsOf } from "../../state/use-metrics-of";
import type { Window } from "../../time-range";

const kAlways: readonly Subject[] = [
  { title: "CPU", type: "cpu.total_usage", tags: {}, unit: "percent", leastTop: 100 },
  { title: "Memory", type: "memory.usage_percent", tags: {}, unit: "percent", leastTop: 100 },
];
const kMostDiffering = 6;
const kNothing: Drawn = { times: [], lines: [], values: [] };

function differing(differs: readonly Difference[]): Subject[] {
  return differs
    .filter((one) => !kAlways.some((always) => always.type === one.type))
    .slice(0, kMostDiffering)
    .map((one) => {
      const unit = format.shownUnit(one.unit, one.kind);
      return {
        title: [one.type, format.tagList(one.tags)].filter(Boolean).join(" · "),
        type: one.type,
        tags: one.tags,
        unit,
        leastTop: unit === "percent" ? 5 : 1e-9,
      };
    });
}

interface GroupProps {
  hosts: readonly string[];
  window: Window;
  subjects: readonly Subject[];
}

function Group({ hosts, window, subjects }: GroupProps) {
  const { data, error, reload, step } = useMetricsOf(
    hosts,
    [...new Set(subjects.map((one) => one.type))],
    window,
  );
  const drawn = useMemo(
    () => data && subjects.map((subject) => overlay(subject, hosts, data)),
    [data, subjects],
  );
  return (
    <>
      {subjects.map((subject, index) => {
        const one = drawn?.[index] ?? kNothing;
        let face: Face = { kind: "ok" };
        if (!drawn && error) face = { kind: "error", text: error.message, retry: reload };
        else if (!drawn) face = { kind: "loading" };
        else if (!one.lines.length) face = { kind: "empty", text: "No samples in this range." };
        return (
          <ChartPanel
            key={`${subject.type} ${JSON.stringify(subject.tags)}`}
            id={subject.type}
            title={subject.title}
            note="One line a host; every second host is dashed."
            unit={subject.unit}
            stacked={false}
            leastTop={subject.leastTop}
            top={null}
            drawn={one}
            window={window}
            since={null}
            interval={step}
            face={face}
            syncKey="compare"
            source={{ hosts, types: [subject.type], step }}
            onZoom={(next) => next && setWindow(next)}
          />
        );
      })}
    </>
  );
}

interface Props {
  hosts: readonly string[];
  window: Window;
  differs: readonly Difference[];
}

/** The usual metrics are asked for at once, the differing ones when the ranking is known. */
export function Overlays({ hosts, window, differs }: Props) {
  const more = useMemo(() => differing(differs), [differs]);
  const shared = { hosts, window };
  return (
    <div class="charts">
      <Group {...shared} subjects={kAlways} />
      {more.length > 0 && <Group {...shared} subjects={more} />}
    </div>
  );
}
