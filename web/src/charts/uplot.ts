// The one place that touches uPlot: a chart is made once and then only given new data.
import uPlot from "uplot";
import * as format from "../format";
import { drawSilences } from "./silences";

export interface Line {
  label: string;
  color: string; // a CSS variable's name, as "--s1"
  dashed?: boolean;
}

export interface ChartOptions {
  lines: readonly Line[];
  stacked: boolean;
  unit: string;
  /** The top of the scale; null lets the data decide, but never below `leastTop`. */
  top: number | null;
  leastTop: number;
  syncKey: string;
  onCursor(row: number | null): void;
  onZoom(from: number, to: number): void;
}

export type Values = readonly (number | null)[];

export interface Chart {
  /** `values` are what is drawn: already cumulative in a stacked chart. */
  setData(times: readonly number[], values: readonly Values[]): void;
  setWindow(start: number, end: number): void;
  setSilences(spans: readonly [number, number][]): void;
  setTop(top: number | null): void;
  destroy(): void;
}

const kFont = '11px system-ui, -apple-system, "Segoe UI", sans-serif';
// All charts of a page share this width, so that one moment is on one vertical line.
const kAxisWidth = 64;
const kBinarySteps = Array.from({ length: 50 }, (_, power) => 2 ** power);

function css(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function timeLabels(_: uPlot, splits: number[]): string[] {
  let shownDay = "";
  return splits.map((time, index) => {
    const label = format.clock(time);
    const day = format.day(time);
    // The date stands at the first label of each new day, midnight in a range that crosses it.
    const crossed = shownDay !== "" && day !== shownDay;
    shownDay = day;
    return crossed || (index === 0 && label === "00:00") ? day : label;
  });
}

function axes(unit: string): uPlot.Axis[] {
  const stroke = css("--muted");
  const grid = { stroke: css("--grid"), width: 1 };
  const isBytes = unit === "bytes" || unit === "bytes_per_second";
  return [
    {
      stroke,
      grid: { show: false },
      ticks: { show: false },
      font: kFont,
      size: 26,
      gap: 6,
      space: 64,
      values: timeLabels,
    },
    {
      stroke,
      grid,
      ticks: { show: false },
      font: kFont,
      size: kAxisWidth,
      gap: 8,
      space: 34,
      values: (_, splits, __, ___, step) => splits.map((value) => format.axis(value, unit, step)),
      ...(isBytes ? { incrs: kBinarySteps } : {}),
    },
  ];
}

function series(options: ChartOptions): uPlot.Series[] {
  return options.lines.map((line) => {
    const stroke = css(line.color);
    return {
      label: line.label,
      stroke,
      width: 1.5,
      fill: options.stacked ? `${stroke}66` : options.lines.length === 1 ? `${stroke}22` : undefined,
      dash: line.dashed ? [5, 4] : undefined,
      points: { show: false },
      spanGaps: false,
    } satisfies uPlot.Series;
  });
}

/** Makes a chart that fills `host` and follows its size. */
export function makeChart(host: HTMLElement, options: ChartOptions): Chart {
  let start = 0;
  let end = 1;
  let top = options.top;
  let silences: readonly [number, number][] = [];

  const plot = new uPlot(
    {
      width: Math.max(1, host.clientWidth),
      height: Math.max(1, host.clientHeight),
      padding: [8, 18, 0, 0],
      legend: { show: false },
      series: [{}, ...series(options)],
      // Each layer of a stack is filled down to the one below it.
      bands: options.stacked
        ? options.lines.slice(1).map((_, index) => ({ series: [index + 2, index + 1] }))
        : [],
      scales: {
        x: { time: true, range: () => [start, end] },
        y: { range: (_, __, high) => [0, top ?? Math.max(options.leastTop, (high ?? 0) * 1.08)] },
      },
      axes: axes(options.unit),
      cursor: {
        y: false,
        points: { size: 7, width: 2 },
        drag: { x: true, y: false, setScale: false },
        sync: {
          key: options.syncKey,
          setSeries: false,
          // Only the crosshair is shared: a drag belongs to the chart it is made on.
          filters: { pub: (type) => type === "mousemove" || type === "mouseleave", sub: () => true },
        },
      },
      hooks: {
        drawClear: [(self) => drawSilences(self, silences, css("--hatch"), css("--muted"))],
        setCursor: [(self) => options.onCursor(self.cursor.idx ?? null)],
        setSelect: [
          (self) => {
            const { left, width } = self.select;
            self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            if (width > 6) options.onZoom(self.posToVal(left, "x"), self.posToVal(left + width, "x"));
          },
        ],
      },
    },
    [[], ...options.lines.map(() => [])],
    host,
  );
  const resize = new ResizeObserver(() =>
    plot.setSize({ width: host.clientWidth, height: host.clientHeight }),
  );
  resize.observe(host);

  return {
    setData: (times, values) => plot.setData([times as number[], ...(values as (number | null)[][])]),
    setWindow(from, to) {
      start = from;
      end = to;
      plot.redraw(false, true);
      plot.setScale("x", { min: from, max: to });
    },
    setSilences(spans) {
      silences = spans;
    },
    setTop(next) {
      top = next;
    },
    destroy() {
      resize.disconnect();
      plot.destroy();
    },
  };
}
