// Moves a chart's window along with the pointer, from a press with Shift until it is let go.
import type uPlot from "uplot";

/** `move` is told of every step by how many seconds the window has moved, `done` of the last. */
export function pan(
  plot: uPlot,
  press: MouseEvent,
  move: (seconds: number) => void,
  done: (seconds: number) => void,
): void {
  const perPixel = plot.posToVal(1, "x") - plot.posToVal(0, "x");
  const by = (event: MouseEvent) => (press.clientX - event.clientX) * perPixel;
  const onMove = (event: MouseEvent) => move(by(event));
  const onUp = (event: MouseEvent) => {
    document.removeEventListener("mousemove", onMove);
    document.removeEventListener("mouseup", onUp);
    done(by(event));
  };
  document.addEventListener("mousemove", onMove);
  document.addEventListener("mouseup", onUp);
}
