// One chart a metric, one line a host: first the metrics everybody asks for, then those that differ most.
import { useMemo, useState } from "preact/hooks";
import type { Difference, Tags } from "../../api-types";
import { ChartPanel, type Window } from "../../charts/chart-panel";
import { colorOf, type Drawn, pick, total } from "../../charts/lines";
import type { Face } from "../../components/panel";
import * as format from "../../format";
import { type Columns, toColumns } from "../../series";
import { useMetricsOf } from "../../state/use-metrics-of";

interface Subject {
  title: string;
  type: string;
  tags: Tags | null; // null: all series of the type, added up
  unit: string;
  leastTop: number;
}

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
    .map((one) => ({
      title: [one.type, format.tagList(one.tags)].filter(Boolean).join(" · "),
      type: one.type,
      tags: one.tags,
      unit: one.unit,
      leastTop: one.unit === "percent" ? 5 : 1e-9,
    }));
}

function sameTags(a: Tags, b: Tags): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/** All hosts on one list of times: a line for each host that has the subject. */
function draw(subject: Subject, hosts: readonly string[], perHost: readonly Columns[]): Drawn {
  const parts = hosts.map((host, index) => {
    const data = perHost[index] as Columns;
    const found = pick(
      data,
      (column) =>
        column.type === subject.type && (subject.tags === null || sameTags(column.tags, subject.tags)),
    );
    return { host, index, times: found.times, values: found.columns.length ? total(found.columns) : [] };
  });
  const shown = parts.filter((part) => part.values.length);
  const joined = toColumns(
    shown.map((part) => ({
      host: part.host,
      type: subject.type,
      unit: "",
      kind: "",
      tags: {},
      times: part.times,
      values: part.values,
    })),
  );
  return {
    times: joined.times,
    lines: shown.map((part) => ({
      label: part.host,
      color: colorOf(part.index),
      dashed: part.index % 2 === 1,
    })),
    values: joined.columns.map((column) => column.values),
  };
}

interface GroupProps {
  hosts: readonly string[];
  window: Window;
  subjects: readonly Subject[];
  zoom: Window | null;
  onZoom(window: Window | null): void;
}

function Group({ hosts, window, subjects, zoom, onZoom }: GroupProps) {
  const { data, error, reload, step } = useMetricsOf(
    hosts,
    [...new Set(subjects.map((one) => one.type))],
    window,
  );
  const drawn = useMemo(
    () => data && subjects.map((subject) => draw(subject, hosts, data)),
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
            window={zoom ?? window}
            interval={step}
            face={face}
            syncKey="compare"
            onZoom={onZoom}
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
  const [zoom, setZoom] = useState<Window | null>(null);
  const more = useMemo(() => differing(differs), [differs]);
  const shared = { hosts, window, zoom, onZoom: setZoom };
  return (
    <div class="charts">
      <Group {...shared} subjects={kAlways} />
      {more.length > 0 && <Group {...shared} subjects={more} />}
    </div>
  );
}
