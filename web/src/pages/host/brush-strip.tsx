// A long range as a strip: the window that the charts show is marked on it, drawn anew or moved along.
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { kLatest } from "../../api-types";
import { brushed, type Press } from "../../brush";
import { Sparkline } from "../../charts/sparkline";
import * as format from "../../format";
import { stepFor } from "../../series";
import { now } from "../../state/clock";
import { goLive, range, setWindow } from "../../state/range";
import { parameters } from "../../state/route";
import { useHistory } from "../../state/use-history";
import { kPresets, type Preset, type Window } from "../../time-range";

// In shorter ranges the charts themselves are fine enough to choose in.
const kLeastSeconds = 86_400;
const kPoints = 180;
// A press that moves less was no drag.
const kLeastPixels = 5;

/** Only under a preset that is long; a window that was chosen inside it keeps it in the address. */
export function BrushStrip({ name, interval }: { name: string; interval: number }) {
  const preset = kPresets.find((one) => one.name === parameters.value.get("range"));
  if (!preset || preset.seconds < kLeastSeconds) return null;
  return <Strip key={preset.name} name={name} interval={interval} preset={preset} />;
}

function Strip({ name, interval, preset }: { name: string; interval: number; preset: Preset }) {
  const { seconds } = preset;
  const step = stepFor(seconds, kPoints, interval);
  const { state } = useHistory({
    host: name,
    types: [kLatest.cpu],
    range: { seconds, fixed: null },
    step,
    later: true,
  });
  const box = useRef<HTMLDivElement>(null);
  const press = useRef<(Press & { x: number }) | null>(null);
  const dragged = useSignal<Window | null>(null);

  const end = Math.ceil(now.value / step) * step;
  const whole = { start: end - seconds, end };
  const { fixed } = range.value;
  const shown = dragged.value ?? fixed;
  const timeAt = (x: number) => {
    const { left, width } = (box.current as HTMLDivElement).getBoundingClientRect();
    return whole.start + ((x - left) / width) * seconds;
  };
  const share = (time: number) => 100 * Math.min(1, Math.max(0, (time - whole.start) / seconds));
  const finish = () => {
    const chosen = dragged.value;
    press.current = null;
    dragged.value = null;
    if (chosen) setWindow(chosen);
  };
  const values = state?.columns.columns[0]?.values ?? [];
  return (
    <div class="brush-row">
      <span class="fine">{format.day(whole.start)}</span>
      <div
        ref={box}
        class="brush"
        role="img"
        aria-label={`CPU of the last ${preset.name}${fixed ? `; shown is ${format.dateTime(fixed.start)} to ${format.dateTime(fixed.end)}` : ""}. Keys: [ and ] move the window, z widens it.`}
        title="Drag to choose a window, or move the one that is shown; a double click shows all"
        onPointerDown={(event) => {
          const at = timeAt(event.clientX);
          const held = fixed && at >= fixed.start && at <= fixed.end ? fixed : null;
          press.current = { at, held, x: event.clientX };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          const began = press.current;
          if (!began || (!dragged.value && Math.abs(event.clientX - began.x) < kLeastPixels)) return;
          dragged.value = brushed(began, timeAt(event.clientX), whole);
        }}
        onPointerUp={finish}
        onPointerCancel={finish}
        onDblClick={goLive}
      >
        <Sparkline times={state?.columns.times ?? []} values={values} window={whole} top={100} />
        {shown && (
          <span
            class="brush-window"
            style={{ left: `${share(shown.start)}%`, width: `${share(shown.end) - share(shown.start)}%` }}
          />
        )}
      </div>
      <span class="fine">
        {dragged.value ? format.duration(dragged.value.end - dragged.value.start) : "now"}
      </span>
    </div>
  );
}
