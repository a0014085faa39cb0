// A chart with its heading, legend and its four faces.
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Age } from "../components/age";
import { type Face, Panel } from "../components/panel";
import * as format from "../format";
import { newest, silences, stacked, summarise, withGaps } from "../series";
import { shownTheme } from "../state/theme";
import type { Drawn } from "./lines";
import { gapAfter } from "./lines";
import { type Chart, makeChart } from "./uplot";

export interface Window {
  start: number;
  end: number;
}

interface Props {
  id: string;
  title: string;
  note: string;
  unit: string;
  stacked: boolean;
  leastTop: number;
  top: number | null;
  drawn: Drawn;
  window: Window;
  /** Since when samples are to be expected: what lies before is empty, but no silence. */
  since: number | null;
  interval: number;
  face: Face;
  syncKey: string;
  onZoom(window: Window | null): void;
}

function summary(drawn: Drawn, title: string, unit: string): string {
  const parts = drawn.lines.map((line, index) => {
    const one = summarise(drawn.times, drawn.values[index] ?? []);
    return one
      ? `${line.label}: average ${format.inUnit(one.average, unit)}, highest ${format.inUnit(one.highest, unit)} at ${format.clock(one.highestAt)}`
      : `${line.label}: no values`;
  });
  return `${title}. ${parts.join("; ")}.`;
}

export function ChartPanel(props: Props) {
  const { title, unit, window, interval, syncKey } = props;
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const row = useSignal<number | null>(null);
  const onZoom = useRef(props.onZoom);
  onZoom.current = props.onZoom;

  const { times, values, gap } = useMemo(() => {
    const usual = gapAfter(props.drawn.times, interval);
    const columns = props.drawn.values.map((one) => ({ type: "", tags: {}, unit, kind: "", values: one }));
    const broken = withGaps({ times: props.drawn.times, columns }, usual);
    return { times: broken.times, values: broken.columns.map((column) => column.values), gap: usual };
  }, [props.drawn, interval, unit]);
  const shape = JSON.stringify([props.drawn.lines, shownTheme.value, props.stacked, unit, syncKey]);
  const drawable = props.face.kind === "ok" || props.face.kind === "stale";

  useEffect(() => {
    if (!box.current || !drawable || !props.drawn.lines.length) return;
    chart.current = makeChart(box.current, {
      lines: props.drawn.lines,
      stacked: props.stacked,
      unit,
      top: props.top,
      leastTop: props.leastTop,
      syncKey,
      onCursor: (at) => {
        row.value = at;
      },
      onZoom: (start, end) => onZoom.current({ start, end }),
    });
    return () => {
      chart.current?.destroy();
      chart.current = null;
    };
  }, [shape, drawable]);

  useEffect(() => {
    const one = chart.current;
    if (!one) return;
    one.setTop(props.top);
    const from = Math.max(window.start, props.since ?? window.start);
    one.setSilences(silences(props.drawn.times, from, window.end, gap));
    one.setData(times, props.stacked ? stacked(values) : values);
    one.setWindow(window.start, window.end);
  }, [shape, drawable, times, values, gap, window.start, window.end, props.since, props.top]);

  const last = times.length - 1;
  const at = row.value !== null && row.value <= last ? row.value : null;
  const moment = times[at ?? last];
  return (
    <Panel
      title={title}
      note={props.note}
      face={props.face}
      aside={
        <span class={at === null ? "moment" : "moment pointed"}>
          {moment !== undefined && at !== null && format.clockSeconds(moment)}
          {moment !== undefined && at === null && props.face.kind !== "stale" && <Age time={moment} />}
        </span>
      }
    >
      <ul class={unit === "percent" ? "legend narrow" : "legend"}>
        {props.drawn.lines.map((line, index) => (
          <li key={line.label}>
            <span class={line.dashed ? "swatch dashed" : "swatch"} style={{ color: `var(${line.color})` }} />
            <span class="name">{line.label}</span>
            <span class="value">
              {format.inUnit(
                at === null ? newest(times, values[index] ?? [], gap) : values[index]?.[at],
                unit,
              )}
            </span>
          </li>
        ))}
      </ul>
      <div
        class="chart"
        ref={box}
        role="img"
        aria-label={summary(props.drawn, title, unit)}
        data-chart={props.id}
        onDblClick={() => props.onZoom(null)}
      />
    </Panel>
  );
}
