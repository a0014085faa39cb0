// Hatches the spans in which a host said nothing: a gap is seen, and is never mistaken for zero.
import type uPlot from "uplot";

const kSpacing = 7;
const kLabelWidth = 60;

export function drawSilences(
  plot: uPlot,
  spans: readonly [number, number][],
  color: string,
  textColor: string,
): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio || 1;
  for (const [from, to] of spans) {
    const left = Math.max(bbox.left, plot.valToPos(from, "x", true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, "x", true));
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
    if (right - left > kLabelWidth * ratio) {
      ctx.fillStyle = textColor;
      ctx.font = `${11 * ratio}px system-ui, sans-serif`;
      ctx.textAlign = "center";
      ctx.fillText("no data", (left + right) / 2, bbox.top + 0.45 * bbox.height);
    }
    ctx.restore();
  }
}
