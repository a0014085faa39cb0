// What can be taken out of a chart: a table, a file, a picture, the question itself.
import { useSignal } from "@preact/signals";
import { metricsUrl } from "../api";
import { asCli, asCurl } from "../commands";
import { Dialog } from "../components/dialog";
import { Icon } from "../components/icons";
import { Popover } from "../components/popover";
import { toCsv } from "../csv";
import { copyText, saveCanvas, saveText } from "../download";
import * as format from "../format";
import { now } from "../state/clock";
import type { Window } from "../time-range";
import type { Plotted } from "./layers";
import type { Line } from "./uplot";

export interface Source {
  hosts: readonly string[];
  types: readonly string[];
  step: number;
}

interface Props {
  id: string;
  title: string;
  unit: string;
  lines: readonly Line[];
  plotted: Plotted;
  window: Window;
  source: Source;
  canvas(): HTMLCanvasElement | undefined;
}

/** A picture that stands alone: the page's ground, the title, the lines' names and the plot. */
function picture(plot: HTMLCanvasElement, title: string, lines: readonly Line[]): HTMLCanvasElement {
  const ratio = devicePixelRatio || 1;
  const head = 44 * ratio;
  const whole = document.createElement("canvas");
  whole.width = plot.width;
  whole.height = plot.height + head;
  const draw = whole.getContext("2d") as CanvasRenderingContext2D;
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  draw.fillStyle = color("--surface");
  draw.fillRect(0, 0, whole.width, whole.height);
  draw.fillStyle = color("--text");
  draw.font = `600 ${13 * ratio}px system-ui, sans-serif`;
  draw.fillText(title, 12 * ratio, 18 * ratio);
  draw.font = `${11 * ratio}px system-ui, sans-serif`;
  let x = 12 * ratio;
  for (const line of lines) {
    draw.fillStyle = color(line.color);
    draw.fillRect(x, 31 * ratio, 12 * ratio, 3 * ratio);
    draw.fillStyle = color("--muted");
    draw.fillText(line.label, x + 16 * ratio, 36 * ratio);
    x += draw.measureText(line.label).width + 32 * ratio;
  }
  draw.drawImage(plot, 0, head);
  return whole;
}

function ChartTable({ props, onClose }: { props: Props; onClose(): void }) {
  const { plotted, lines, unit, title } = props;
  return (
    <Dialog title={title} onClose={onClose} wide>
      {/* What scrolls must be reachable by keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys scroll it */}
      <section class="table-box chart-table" tabIndex={0} aria-label={`${title} as a table`}>
        <table class="plain">
          <thead>
            <tr>
              <th>Time</th>
              {lines.map((line) => (
                <th key={line.label} class="num">
                  {line.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {plotted.times
              .map((time, row) => ({ time, row }))
              .reverse()
              .map(({ time, row }) => (
                <tr key={time}>
                  <th scope="row">{format.dateTime(time)}</th>
                  {lines.map((line, index) => (
                    <td key={line.label} class="num">
                      {format.inUnit(plotted.values[index]?.[row], unit)}
                    </td>
                  ))}
                </tr>
              ))}
          </tbody>
        </table>
      </section>
      <button type="button" class="button" onClick={onClose}>
        Close
      </button>
    </Dialog>
  );
}

export function ChartMenu(props: Props) {
  const { id, title, unit, lines, plotted, window, source } = props;
  const table = useSignal(false);
  const line = useSignal<string | null>(null);
  const name = `${source.hosts.join("-")}-${id}`.replace(/[^\w.-]+/g, "_");
  const labels = lines.map((one) => one.label);

  const csv = () => {
    const rows = plotted.times.map((time, row) => [
      new Date(time * 1000).toISOString(),
      ...lines.map((_, index) => plotted.values[index]?.[row]),
    ]);
    saveText(
      `${name}.csv`,
      "text/csv",
      toCsv(["time", ...labels.map((label) => `${label} (${unit})`)], rows),
    );
  };
  const json = () => {
    const series = lines.map((one, index) => ({
      label: one.label,
      unit,
      values: plotted.times.map((_, row) => plotted.values[index]?.[row] ?? null),
    }));
    const whole = { title, ...source, ...window, times: plotted.times, series };
    saveText(`${name}.json`, "application/json", JSON.stringify(whole, null, 2));
  };
  const copy = async (text: string, close: () => void) => {
    if (await copyText(text)) close();
    else line.value = text;
  };
  const question = { ...source, start: Math.floor(window.start), end: Math.ceil(window.end) };
  return (
    <>
      <Popover
        label={<Icon name="menu" />}
        name={`${title}: table, files, commands`}
        class="icon-button small"
        side="right"
      >
        {(close) => {
          const item = (text: string, run: () => void) => (
            <button
              type="button"
              class="menu-item"
              onClick={() => {
                run();
                close();
              }}
            >
              {text}
            </button>
          );
          return (
            <div class="menu">
              {item("View as table", () => {
                table.value = true;
              })}
              {item("Save as CSV", csv)}
              {item("Save as JSON", json)}
              {item("Save as PNG", () => {
                const canvas = props.canvas();
                if (canvas) saveCanvas(`${name}.png`, picture(canvas, title, lines));
              })}
              <button
                type="button"
                class="menu-item"
                onClick={() => copy(asCurl(metricsUrl(question)), close)}
              >
                Copy as curl
              </button>
              <button
                type="button"
                class="menu-item"
                onClick={() => copy(asCli(question, now.peek()), close)}
              >
                Copy as command line
              </button>
              {line.value && (
                <textarea
                  class="input copied"
                  readOnly
                  aria-label="The command, to copy"
                  value={line.value}
                />
              )}
            </div>
          );
        }}
      </Popover>
      {table.value && (
        <ChartTable
          props={props}
          onClose={() => {
            table.value = false;
          }}
        />
      )}
    </>
  );
}
