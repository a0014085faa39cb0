// Hatches the spans in which a host said nothing: a gap is seen, with its cause, and never mistaken for zero.
import type uPlot from "uplot";

/** A span without samples, and why. */
export interface Silence {
  start: number;
  end: number;
  label: string;
}

const kSpacing = 7;
const kLabelMargin = 12;

/** The place of a span on the plot, in canvas pixels; null where it is too narrow to be seen. */
function placeOf({ bbox, valToPos }: uPlot, { start, end }: Silence): { left: number; right: number } | null {
  const left = Math.max(bbox.left, valToPos(start, "x", true));
  const right = Math.min(bbox.left + bbox.width, valToPos(end, "x", true));
  return right - left < 2 ? null : { left, right };
}

/** Under everything else. */
export function hatchSilences(plot: uPlot, spans: readonly Silence[], color: string): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio || 1;
  for (const span of spans) {
    const place = placeOf(plot, span);
    if (!place) continue;
    const { left, right } = place;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, right - left, bbox.height);
    ctx.clip();
    ctx.strokeStyle = color;
    ctx.lineWidth = ratio;
    ctx.setLineDash([]); // what the last series left
    ctx.beginPath();
    // Anchored to the whole plot and not to the span, so that the lines stand still when the span grows.
    for (let x = left - bbox.height - (left % (kSpacing * ratio)); x < right; x += kSpacing * ratio) {
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
    }
    ctx.stroke();
    ctx.restore();
  }
}

/** Over the grid, on a ground of its own: no line goes through a word. */
export function labelSilences(plot: uPlot, spans: readonly Silence[], color: string, ground: string): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio || 1;
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  for (const span of spans) {
    const place = placeOf(plot, span);
    if (!place) continue;
    const width = place.right - place.left;
    // A cause that does not fit is told by the mark above; half a word tells nothing.
    const fits = (text: string) => ctx.measureText(text).width + kLabelMargin * ratio < width;
    const shown = [span.label, "no data"].find(fits);
    if (!shown) continue;
    const [x, y] = [(place.left + place.right) / 2, bbox.top + 0.45 * bbox.height];
    const half = ctx.measureText(shown).width / 2 + 4 * ratio;
    ctx.fillStyle = ground;
    ctx.fillRect(x - half, y - 9 * ratio, 2 * half, 18 * ratio);
    ctx.fillStyle = color;
    ctx.fillText(shown, x, y);
  }
  ctx.restore();
}
