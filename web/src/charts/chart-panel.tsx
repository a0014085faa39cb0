// A chart with its heading, legend, menu and its four faces.
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { Age } from "../components/age";
import { type Face, Panel } from "../components/panel";
import * as format from "../format";
import { silences, summarise } from "../series";
import { pointAt } from "../state/pointed";
import { hours } from "../state/settings";
import { shownTheme } from "../state/theme";
import { zone } from "../state/time-zone";
import type { Window } from "../time-range";
import { ChartMenu, type Source } from "./chart-menu";
import { afterPress, only, onlyOver, type Shown } from "./isolate";
import { type Over, type Plotted, plot } from "./layers";
import { Legend } from "./legend";
import type { Drawn } from "./lines";
import { type Mark, Marks } from "./marks";
import type { Silence } from "./silences";
import { type Chart, makeChart, type Shape } from "./uplot";

interface Props {
  id: string;
  title: string;
  note: string;
  unit: string;
  stacked: boolean;
  leastTop: number;
  top: number | null;
  drawn: Drawn;
  /** Lowest and highest of each cell, for charts that are not stacked. */
  band?: { low: Drawn; high: Drawn } | null;
  /** Lines over the others: an earlier time, the highest of a stack. */
  over?: readonly Over[];
  signed?: boolean;
  window: Window;
  /** Since when samples are to be expected: what lies before is empty, but no silence. */
  since: number | null;
  /** Why nothing was sent in a span, in a few words. */
  causeOf?(span: Window): string;
  interval: number;
  face: Face;
  syncKey: string;
  source: Source;
  /** What happened on the host. */
  marks?: readonly Mark[];
  /** What a point stands for and where it was taken from. */
  told?: string;
  /** Null for back to the newest. */
  onZoom(window: Window | null): void;
  onPan(window: Window): void;
}

const kNoOver: readonly Over[] = [];

function summary(plotted: Plotted, drawn: Drawn, props: Props): string {
  const parts = drawn.lines.map((line, index) => {
    const one = summarise(plotted.times, plotted.values[index] ?? []);
    return one
      ? `${line.label}: average ${format.inUnit(one.average, props.unit)}, highest ${format.inUnit(one.highest, props.unit)} at ${format.clock(one.highestAt)}`
      : `${line.label}: no values`;
  });
  return `${props.title}. ${parts.join("; ")}.`;
}

export function ChartPanel(props: Props) {
  const { title, unit, window, interval, syncKey, stacked, band = null } = props;
  const shown = useSignal<Shown>(null);
  const drawn = useMemo(() => only(props.drawn, shown.value), [props.drawn, shown.value]);
  const over = useMemo(() => onlyOver(props.over ?? kNoOver, shown.value), [props.over, shown.value]);
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const row = useSignal<number | null>(null);
  const moved = useRef(props);
  moved.current = props;

  const plotted = useMemo(
    () => plot({ drawn, stacked, interval, band, over }),
    [drawn, stacked, interval, band, over],
  );
  const latest = useRef(plotted);
  latest.current = plotted;
  const shape: Shape = {
    lines: drawn.lines,
    stacked,
    unit,
    banded: plotted.bands.map((one) => one.line),
    over: plotted.over.map(({ kind, color }) => ({ kind, color })),
    zone: zone.value,
    hours: hours.value,
  };
  const shapeKey = JSON.stringify([shape, shownTheme.value, syncKey]);
  const drawable = props.face.kind === "ok" || props.face.kind === "stale";

  // In the frame that shows the panel, and not in the one after it.
  useLayoutEffect(() => {
    if (!box.current || !drawable || !drawn.lines.length) return;
    chart.current = makeChart(box.current, {
      ...shape,
      top: props.top,
      leastTop: props.leastTop,
      signed: props.signed ?? false,
      syncKey,
      onCursor: (at) => {
        row.value = at;
        pointAt(at === null ? null : (latest.current.times[at] ?? null));
      },
      onZoom: (start, end) => moved.current.onZoom({ start, end }),
      onPan: (start, end) => moved.current.onPan({ start, end }),
    });
    return () => {
      chart.current?.destroy();
      chart.current = null;
    };
  }, [shapeKey, drawable]);

  useLayoutEffect(() => {
    const one = chart.current;
    if (!one) return;
    one.setTop(props.top);
    const from = Math.max(window.start, props.since ?? window.start);
    one.setSilences(
      silences(drawn.times, from, window.end, plotted.gap).map(
        ([start, end]): Silence => ({ start, end, label: props.causeOf?.({ start, end }) ?? "no data" }),
      ),
    );
    one.setData(plotted);
    one.setWindow(window.start, window.end);
  }, [shapeKey, drawable, plotted, window.start, window.end, props.since, props.top, props.causeOf]);

  const last = plotted.times.length - 1;
  const at = row.value !== null && row.value <= last ? row.value : null;
  const moment = plotted.times[at ?? last];
  return (
    <Panel
      title={title}
      note={props.note}
      face={props.face}
      aside={
        <>
          <span class={at === null ? "moment" : "moment pointed"}>
            {moment !== undefined && at !== null && format.clockSeconds(moment)}
            {moment !== undefined && at === null && props.face.kind !== "stale" && <Age time={moment} />}
          </span>
          {drawable && drawn.lines.length > 0 && (
            <ChartMenu
              id={props.id}
              title={title}
              unit={unit}
              lines={drawn.lines}
              plotted={plotted}
              window={window}
              source={props.source}
              canvas={() => chart.current?.canvas()}
            />
          )}
        </>
      }
    >
      <Legend
        lines={props.drawn.lines}
        drawn={drawn.lines}
        plotted={plotted}
        unit={unit}
        row={at}
        shown={shown.value}
        onPress={(label, add) => {
          const labels = props.drawn.lines.map((line) => line.label);
          shown.value = afterPress(shown.value, labels, label, add);
        }}
      />
      <div class="chart-box">
        <div
          class="chart"
          ref={box}
          role="img"
          aria-label={summary(plotted, drawn, props)}
          data-chart={props.id}
          onDblClick={() => props.onZoom(null)}
        />
        {props.marks && drawable && <Marks marks={props.marks} window={window} />}
      </div>
      {props.told && <p class="told">{props.told}</p>}
    </Panel>
  );
}
