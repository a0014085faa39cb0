// A chart for any metric type, known to the page or not: a line a series, the largest first, the rest folded.
import * as format from "../format";
import type { Column } from "../series";
import type { Family } from "./families";
import { colorOf, type Drawn, kMaxLines, peak, pick } from "./lines";
import { foldOf } from "./overlay";

export interface Metric {
  type: string;
  unit: string;
  kind: string;
  help: string;
}

/** What tells a series from the others of its type: the values of its tags. */
function labelOf(column: Column): string {
  return Object.values(column.tags).join(" · ") || "value";
}

export function anyMetric({ type, unit, kind, help }: Metric): Family {
  const shown = format.shownUnit(unit, kind);
  const fold = foldOf(shown);
  return {
    id: type,
    title: type,
    note: [help, kind === "counter" ? "Shown per second." : ""].filter(Boolean).join(" "),
    unit: shown,
    stacked: false,
    types: [type],
    leastTop: shown === "percent" ? 5 : 1e-9,
    draw(data) {
      const found = pick(data, (column) => column.type === type);
      const sorted = [...found.columns].sort(
        (a, b) => peak(b) - peak(a) || (labelOf(a) < labelOf(b) ? -1 : 1),
      );
      const alone = sorted.length > kMaxLines ? sorted.slice(0, kMaxLines - 1) : sorted;
      const rest = sorted.slice(alone.length);
      const drawn: Drawn = {
        times: found.times,
        lines: alone.map((column, index) => ({
          label: labelOf(column),
          color: colorOf(index),
          dashed: index % 2 === 1,
        })),
        values: alone.map((column) => column.values),
      };
      if (rest.length) {
        drawn.lines.push({ label: `other (${rest.length})`, color: colorOf(kMaxLines - 1), dashed: true });
        drawn.values.push(fold(rest));
      }
      return drawn;
    },
  };
}
