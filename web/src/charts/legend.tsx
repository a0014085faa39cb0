// The legend of a chart: each line with its value under the crosshair; a press shows it alone.
import * as format from "../format";
import { newest, summarise } from "../series";
import type { Shown } from "./isolate";
import type { Plotted } from "./layers";
import type { Line } from "./uplot";

interface Props {
  /** All lines, also those that are not shown. */
  lines: readonly Line[];
  plotted: Plotted;
  /** Labels of the lines that `plotted` has, in its order. */
  drawn: readonly Line[];
  unit: string;
  /** Under the crosshair; null for the newest. */
  row: number | null;
  shown: Shown;
  onPress(label: string, add: boolean): void;
}

export function Legend({ lines, plotted, drawn, unit, row, shown, onPress }: Props) {
  const over = plotted.over.filter((one) => one.kind === "highest");
  const value = (cells: readonly (number | null | undefined)[]) =>
    format.inUnit(row === null ? newest(plotted.times, cells, plotted.gap) : cells[row], unit);
  const entry = (line: Line) => {
    const at = drawn.findIndex((one) => one.label === line.label);
    const cells = plotted.values[at] ?? [];
    const all = summarise(plotted.times, cells);
    const range = all
      ? `average ${format.inUnit(all.average, unit)}, ${format.inUnit(all.lowest, unit)} – ${format.inUnit(all.highest, unit)}`
      : null;
    const content = (
      <>
        <span class={line.dashed ? "swatch dashed" : "swatch"} style={{ color: `var(${line.color})` }} />
        <span class="name">{line.label}</span>
        <span class="value">{value(cells)}</span>
      </>
    );
    if (lines.length < 2)
      return (
        <li key={line.label} class="legend-line" title={range ?? undefined}>
          {content}
        </li>
      );
    return (
      <li key={line.label}>
        <button
          type="button"
          class={at < 0 ? "legend-line off" : "legend-line"}
          aria-pressed={shown?.has(line.label) ?? false}
          title={[range, "Press: this line alone. Shift or Ctrl: with the others."]
            .filter(Boolean)
            .join("\n")}
          onClick={(event) => onPress(line.label, event.shiftKey || event.ctrlKey || event.metaKey)}
        >
          {content}
        </button>
      </li>
    );
  };
  return (
    <ul class={unit === "percent" ? "legend narrow" : "legend"}>
      {lines.map(entry)}
      {over.map((one) => (
        <li key={`over ${one.label}`} class="legend-line" title="The highest value inside each cell">
          <span class="swatch dotted" style={{ color: `var(${one.color})` }} />
          <span class="name">{one.label}</span>
          <span class="value">{value(one.cells)}</span>
        </li>
      ))}
    </ul>
  );
}
