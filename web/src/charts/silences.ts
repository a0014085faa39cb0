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

export function drawSilences(plot: uPlot, spans: readonly Silence[], color: string, textColor: string): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio || 1;
  for (const { start, end, label } of spans) {
    const left = Math.max(bbox.left, plot.valToPos(start, "x", true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(end, "x", true));
    if (right - left < 2) continue;
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
    ctx.fillStyle = textColor;
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    // A cause that does not fit is told by the list of events; half a word tells nothing.
    const shown = [label, "no data"].find(
      (text) => ctx.measureText(text).width + kLabelMargin * ratio < right - left,
    );
    if (shown) ctx.fillText(shown, (left + right) / 2, bbox.top + 0.45 * bbox.height);
    ctx.restore();
  }
}
