// Metric by host as numbers: last, average, 95th percentile and highest; shaded by the distance from the middle.
import { useMemo } from "preact/hooks";
import type { Difference } from "../../api-types";
import { overlay, type Subject } from "../../charts/overlay";
import { isDivisible, perSize } from "../../charts/per-size";
import { type Face, Panel } from "../../components/panel";
import * as format from "../../format";
import { median, quantile } from "../../outliers";
import { per } from "../../state/compare-view";
import { useMetricsOf } from "../../state/use-metrics-of";
import type { Window } from "../../time-range";
import { kAlways, subjectKey } from "./subjects";
import { useSizes } from "./use-sizes";

const kMostRows = 40;

interface Numbers {
  last: number;
  average: number;
  p95: number;
  highest: number;
}

const kShown = [
  ["last", "last"],
  ["average", "avg"],
  ["p95", "p95"],
  ["highest", "max"],
] as const;

function numbersOf(values: readonly (number | null)[] | undefined): Numbers | null {
  const there = (values ?? []).filter((value) => value !== null);
  if (!there.length) return null;
  const sorted = [...there].sort((a, b) => a - b);
  return {
    last: there.at(-1) as number,
    average: there.reduce((sum, value) => sum + value, 0) / there.length,
    p95: quantile(sorted, 0.95) as number,
    highest: sorted.at(-1) as number,
  };
}

/** 0 … 3: how far a value lies from the middle of the hosts, as a share of the larger of the two. */
function farness(value: number, middle: number): number {
  const larger = Math.max(Math.abs(value), Math.abs(middle));
  return larger === 0 ? 0 : Math.min(3, Math.floor((Math.abs(value - middle) / larger) * 4));
}

function subjectsOf(differs: readonly Difference[]): Subject[] {
  const more = differs
    .filter((one) => !kAlways.some((always) => always.type === one.type))
    .map((one) => ({
      title: [one.type, format.tagList(one.tags)].filter(Boolean).join(" · "),
      type: one.type,
      tags: one.tags,
      unit: format.shownUnit(one.unit, one.kind),
      leastTop: 0,
    }));
  return [...kAlways, ...more].slice(0, kMostRows);
}

interface Props {
  hosts: readonly string[];
  window: Window;
  differs: readonly Difference[];
}

export function ValueTable({ hosts, window, differs }: Props) {
  const subjects = useMemo(() => subjectsOf(differs), [differs]);
  const types = [...new Set(subjects.map((one) => one.type))];
  const { data, error, reload } = useMetricsOf(hosts, types, window);
  const sizes = useSizes(hosts);
  const rows = useMemo(
    () =>
      (data ? subjects : []).map((subject) => {
        const whole = overlay(subject, hosts, data ?? []);
        const divided = sizes && isDivisible(subject.unit);
        const drawn = divided ? perSize(whole, sizes) : whole;
        const of = (host: string) =>
          numbersOf(drawn.values[drawn.lines.findIndex((line) => line.label === host)]);
        const title = divided ? `${subject.title} per ${per.value?.title}` : subject.title;
        return { subject, title, numbers: hosts.map(of) };
      }),
    [data, subjects, sizes],
  );
  let face: Face = { kind: "ok" };
  if (!data && error) face = { kind: "error", text: error.message, retry: reload };
  else if (!data) face = { kind: "loading" };
  return (
    <Panel title="Values" note="Shaded by the distance of the average from the hosts' middle." face={face}>
      <div class="table-box">
        <table class="plain values">
          <thead>
            <tr>
              <th rowSpan={2}>Metric</th>
              {hosts.map((host) => (
                <th key={host} colSpan={kShown.length} scope="colgroup" class="value-host">
                  {host}
                </th>
              ))}
            </tr>
            <tr>
              {hosts.flatMap((host) =>
                kShown.map(([key, label]) => (
                  <th key={`${host} ${key}`} class={key === "last" ? "num value-host" : "num"}>
                    {label}
                  </th>
                )),
              )}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ subject, title, numbers }) => {
              const middle = median(numbers.map((one) => one?.average)) ?? 0;
              return (
                <tr key={subjectKey(subject)} data-value-row={subject.type}>
                  <th scope="row">{title}</th>
                  {numbers.flatMap((one, index) =>
                    kShown.map(([key]) => (
                      <td
                        key={`${hosts[index]} ${key}`}
                        class={`num${key === "last" ? " value-host" : ""} far${one ? farness(one.average, middle) : 0}`}
                      >
                        {one ? format.inUnit(one[key], subject.unit) : format.kAbsent}
                      </td>
                    )),
                  )}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
