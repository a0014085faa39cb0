// The one place that touches uPlot: a chart is made once and then only given new data.
import uPlot from "uplot";
import * as format from "../format";
import type { Cells, Plotted } from "./layers";
import { kPlotLeft, kPlotRight } from "./marks";
import { pan } from "./pan";
import { hatchSilences, labelSilences, type Silence } from "./silences";

export interface Line {
  label: string;
  color: string; // a CSS variable's name, as "--s1"
  dashed?: boolean;
}

/** What a chart is made for; another shape needs another chart. */
export interface Shape {
  lines: readonly Line[];
  stacked: boolean;
  unit: string;
  /** Lines with a band between the lowest and the highest, by index. */
  banded: readonly number[];
  over: readonly { kind: "earlier" | "highest"; color: string }[];
  /** An IANA time zone; undefined for the browser's. */
  zone: string | undefined;
  /** Of the clock: its labels need another width. */
  hours: 12 | 24;
}

export interface ChartOptions extends Shape {
  /** The top of the scale; null lets the data decide, but never below `leastTop`. */
  top: number | null;
  leastTop: number;
  /** Whether the scale may go below zero: a difference does. */
  signed: boolean;
  syncKey: string;
  onCursor(row: number | null): void;
  onZoom(from: number, to: number): void;
  /** The window was moved by a drag with Shift. */
  onPan(from: number, to: number): void;
}

export interface Chart {
  setData(plotted: Plotted): void;
  setWindow(start: number, end: number): void;
  setSilences(spans: readonly Silence[]): void;
  setTop(top: number | null): void;
  /** What is drawn now, axes and all. */
  canvas(): HTMLCanvasElement;
  destroy(): void;
}

const kFont = '11px system-ui, -apple-system, "Segoe UI", sans-serif';
const kBinarySteps = Array.from({ length: 50 }, (_, power) => 2 ** power);

function css(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function timeLabels(_: uPlot, splits: number[], __: number, ___: number, step: number): string[] {
  let shownDay = "";
  return splits.map((time, index) => {
    const label = step < 60 ? format.clockSeconds(time) : format.clock(time);
    const day = format.day(time);
    // The date stands at the first label of each new day, midnight in a range that crosses it.
    const crossed = shownDay !== "" && day !== shownDay;
    shownDay = day;
    const midnight = index === 0 && format.day(time - 1) !== day;
    return crossed || midnight ? day : label;
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
      // All charts of a page share this width, so that one moment is on one vertical line.
      size: kPlotLeft,
      gap: 8,
      space: 34,
      values: (_, splits, __, ___, step) => splits.map((value) => format.axis(value, unit, step)),
      ...(isBytes ? { incrs: kBinarySteps } : {}),
    },
  ];
}

const kNoPoints = { show: false };

/** In the order of `columnsOf`. */
function series(options: ChartOptions): uPlot.Series[] {
  const main = options.lines.map((line): uPlot.Series => {
    const stroke = css(line.color);
    const alone = options.lines.length === 1 && !options.banded.length && !options.signed;
    return {
      label: line.label,
      stroke,
      width: 1.5,
      fill: options.stacked ? `${stroke}66` : alone ? `${stroke}22` : undefined,
      dash: line.dashed ? [5, 4] : undefined,
      points: kNoPoints,
      spanGaps: false,
    };
  });
  const bands = options.banded.flatMap((): uPlot.Series[] => [
    { stroke: "transparent", width: 0, points: kNoPoints },
    { stroke: "transparent", width: 0, points: kNoPoints },
  ]);
  const over = options.over.map(
    ({ kind, color }): uPlot.Series => ({
      stroke: kind === "earlier" ? `${css(color)}aa` : css(color),
      width: 1.25,
      dash: kind === "earlier" ? [2, 3] : [1, 2],
      points: kNoPoints,
    }),
  );
  return [...main, ...bands, ...over];
}

function bands(options: ChartOptions): uPlot.Band[] {
  const first = options.lines.length + 1;
  if (options.stacked)
    // Each layer of a stack is filled down to the one below it.
    return options.lines.slice(1).map((_, index) => ({ series: [index + 2, index + 1] }));
  return options.banded.map((line, index) => ({
    series: [first + 2 * index + 1, first + 2 * index],
    fill: `${css(options.lines[line]?.color ?? "--s1")}2e`,
  }));
}

function columnsOf({ main, bands, over }: Plotted): Cells[] {
  return [...main, ...bands.flatMap(({ low, high }) => [low, high]), ...over.map(({ cells }) => cells)];
}

/** Makes a chart that fills `host` and follows its size. */
export function makeChart(host: HTMLElement, options: ChartOptions): Chart {
  let start = 0;
  let end = 1;
  let top = options.top;
  let silences: readonly Silence[] = [];

  const show = (self: uPlot, from: number, to: number) => {
    start = from;
    end = to;
    self.redraw(false, true);
    self.setScale("x", { min: from, max: to });
  };
  const startPan = (self: uPlot, event: MouseEvent) => {
    const [from, to] = [start, end];
    const done = (seconds: number) => {
      show(self, from, to); // until the page says otherwise
      if (seconds) options.onPan(from + seconds, to + seconds);
    };
    pan(self, event, (seconds) => show(self, from + seconds, to + seconds), done);
  };
  const plot = new uPlot(
    {
      width: Math.max(1, host.clientWidth),
      height: Math.max(1, host.clientHeight),
      padding: [8, kPlotRight, 0, 0],
      legend: { show: false },
      series: [{}, ...series(options)],
      bands: bands(options),
      ...(options.zone
        ? { tzDate: (time) => uPlot.tzDate(new Date(time * 1e3), options.zone as string) }
        : {}),
      scales: {
        x: { time: true, range: () => [start, end] },
        y: {
          range: (_, low, high) => {
            // Of nothing but zeros the scale is 1: the least of small numbers would have ticks that all read 0.
            const least = high ? options.leastTop : Math.max(options.leastTop, 1);
            const most = top ?? Math.max(least, (high ?? 0) * 1.08);
            return options.signed ? [Math.min(-options.leastTop, (low ?? 0) * 1.08), most] : [0, most];
          },
        },
      },
      axes: axes(options.unit),
      cursor: {
        y: false,
        points: { size: 7, width: 2 },
        drag: { x: true, y: false, setScale: false },
        bind: {
          mousedown: (self, _, zoom) => (event) => {
            if (event.shiftKey && event.button === 0) startPan(self, event);
            else zoom(event);
            return null;
          },
        },
        sync: {
          key: options.syncKey,
          setSeries: false,
          // Only the crosshair is shared: a drag belongs to the chart it is made on.
          filters: { pub: (type) => type === "mousemove" || type === "mouseleave", sub: () => true },
        },
      },
      hooks: {
        drawClear: [(self) => hatchSilences(self, silences, css("--hatch"))],
        draw: [(self) => labelSilences(self, silences, css("--muted"), css("--surface"))],
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
    [[], ...series(options).map(() => [])],
    host,
  );
  const resize = new ResizeObserver(() =>
    plot.setSize({ width: host.clientWidth, height: host.clientHeight }),
  );
  resize.observe(host);

  return {
    setData: (plotted) => plot.setData([plotted.times, ...columnsOf(plotted)]),
    setWindow: (from, to) => show(plot, from, to),
    setSilences(spans) {
      silences = spans;
    },
    setTop(next) {
      top = next;
    },
    canvas: () => plot.ctx.canvas,
    destroy() {
      resize.disconnect();
      plot.destroy();
    },
  };
}
