// What happened, on the charts: a mark at its moment, with its words at hand; near ones are told together.
import * as format from "../format";
import type { Window } from "../time-range";

export interface Mark {
  start: number;
  /** For what lasted; infinite while it does. */
  end: number | null;
  kind: "change" | "gap";
  text: string;
}

// As in uplot.ts: the plot area of every chart has the same sides.
export const kPlotLeft = 64;
export const kPlotRight = 18;
// Nearer than this, in shares of the window, two marks would stand on each other.
const kApart = 0.025;

interface Placed {
  at: number; // 0 … 1
  kind: Mark["kind"];
  marks: readonly Mark[];
}

/** Marks of the window in their places, each with its neighbours. */
export function placed(marks: readonly Mark[], { start, end }: Window): Placed[] {
  const inside = marks.flatMap((mark) => {
    const last = Math.min(end, mark.end ?? mark.start);
    const first = Math.max(start, mark.start);
    return last < first ? [] : [{ at: ((first + last) / 2 - start) / (end - start), mark }];
  });
  inside.sort((a, b) => a.at - b.at);
  const found: { at: number; kind: Mark["kind"]; marks: Mark[] }[] = [];
  for (const { at, mark } of inside) {
    const near = found.at(-1);
    if (near && at - near.at < kApart) {
      near.marks.push(mark);
      if (mark.kind === "change") near.kind = "change";
    } else found.push({ at, kind: mark.kind, marks: [mark] });
  }
  return found;
}

function words({ start, end, text }: Mark): string {
  if (end === Number.POSITIVE_INFINITY) return `since ${format.dateTime(start)}: ${text}`;
  if (end === null || end <= start) return `${format.dateTime(start)}: ${text}`;
  return `${format.dateTime(start)} – ${format.clockSeconds(end)} (${format.duration(end - start)}): ${text}`;
}

export function Marks({ marks, window }: { marks: readonly Mark[]; window: Window }) {
  const all = placed(marks, window);
  if (!all.length) return null;
  return (
    <div class="marks" style={{ left: `${kPlotLeft}px`, right: `${kPlotRight}px` }}>
      {all.map((one) => {
        const lines = one.marks.map(words);
        const first = one.marks[0] as Mark;
        const side = one.at > 0.5 ? "before" : "after";
        return (
          <button
            key={`${first.kind} ${first.start}`}
            type="button"
            // The list of events tells the same by keyboard; a press or a touch shows the words.
            tabIndex={-1}
            class={`mark-place ${one.kind} ${side}`}
            style={{ left: `${(100 * one.at).toFixed(3)}%` }}
            aria-label={lines.join("; ")}
          >
            <span class="mark-sign" aria-hidden="true" />
            <span class="mark-words" aria-hidden="true">
              {lines.slice(0, 6).map((line) => (
                <span key={line}>{line}</span>
              ))}
              {lines.length > 6 && <span>and {lines.length - 6} more</span>}
            </span>
          </button>
        );
      })}
    </div>
  );
}
