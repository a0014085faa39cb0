// The range of time of a page: presets, a window of one's own, now against earlier, and what a point stands for.
import { useSignal } from "@preact/signals";
import * as format from "../format";
import { now } from "../state/clock";
import { health } from "../state/health";
import {
  currentWindow,
  earlier,
  goLive,
  peaks,
  range,
  setEarlier,
  setRange,
  setWindow,
  shiftRange,
  toggleLive,
  togglePeaks,
  zoomOut,
} from "../state/range";
import { parameters } from "../state/route";
import { toggleUtc, zone } from "../state/time-zone";
import { kPresets, kUsualPreset, parseMoment, type Window } from "../time-range";
import { Icon } from "./icons";
import { Popover } from "./popover";

/** The value of a datetime-local input, which knows no zone but the browser's. */
function localText(time: number): string {
  const date = new Date(time * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

function OwnWindow({ close }: { close(): void }) {
  const { start, end } = currentWindow();
  const from = useSignal(localText(start));
  const to = useSignal(localText(end));
  const wrong = useSignal(false);
  const submit = (event: Event) => {
    event.preventDefault();
    const [first, last] = [from.value, to.value].map((text) => parseMoment(text.trim(), now.peek()));
    wrong.value = !first || !last || last <= first;
    if (!first || !last || last <= first) return;
    setWindow({ start: first, end: last });
    close();
  };
  const field = (label: string, value: typeof from) => (
    <label>
      {label}
      <input
        class="input"
        type="datetime-local"
        step="1"
        required
        value={value.value}
        onInput={(event) => {
          value.value = event.currentTarget.value;
        }}
      />
    </label>
  );
  return (
    <form class="own-window" onSubmit={submit}>
      {field("From", from)}
      {field("To", to)}
      {wrong.value && (
        <p class="form-error" role="alert">
          The end must lie after the start.
        </p>
      )}
      <button type="submit" class="button primary">
        Show
      </button>
    </form>
  );
}

function Presets() {
  const kept = Math.max(0, ...Object.values(health.value?.retention_s ?? {}));
  const chosen = parameters.value.get("range") ?? kUsualPreset.name;
  return (
    <fieldset class="segments presets">
      <legend class="hidden">Time range</legend>
      {kPresets.map(({ name }, index) => {
        // The one before shows everything that is kept.
        const beyond = kept > 0 && (kPresets[index - 1]?.seconds ?? 0) >= kept;
        return (
          <button
            key={name}
            type="button"
            class={beyond ? "beyond" : undefined}
            title={beyond ? `Nothing is kept for longer than ${format.duration(kept)}` : undefined}
            aria-pressed={!range.value.fixed && chosen === name}
            onClick={() => setRange(name)}
          >
            {name}
          </button>
        );
      })}
    </fieldset>
  );
}

function LivePill() {
  const { fixed } = range.value;
  return (
    <button
      type="button"
      class={fixed ? "pill still" : "pill"}
      aria-pressed={!fixed}
      title={fixed ? "Back to the newest values (l)" : "Hold still (l)"}
      onClick={fixed ? goLive : toggleLive}
    >
      {fixed ? `held still, ${format.age(fixed.end, now.value)}` : "live"}
    </button>
  );
}

// Without a year a date this old is not plain.
const kOldSeconds = 300 * 86_400;

/** As short as it can be said: the bar stays one line when the page is held still. */
function windowText({ start, end }: Window): string {
  if (now.value - start > kOldSeconds) return `${format.dateTime(start)} – ${format.dateTime(end)}`;
  const isShort = end - start < 3600;
  const clock = isShort ? format.clockSeconds : format.clock;
  const [first, last] = [start, end].map(format.day);
  const until = first === last || isShort ? "" : `${last}, `;
  return `${first}, ${clock(start)} – ${until}${clock(end)}`;
}

const kEarlier: readonly (readonly [string, string])[] = [
  ["", "nothing"],
  ["previous", "the range before"],
  ["24h", "24 h earlier"],
  ["7d", "7 days earlier"],
];

interface Props {
  /** Whether the page can draw an earlier time and peaks. */
  rich?: boolean;
}

export function TimeBar({ rich = false }: Props) {
  const { fixed } = range.value;
  return (
    <div class="time-bar">
      <button
        type="button"
        class="icon-button"
        aria-label="Half a range earlier"
        title="Earlier ([)"
        onClick={() => shiftRange(-1)}
      >
        <Icon name="left" />
      </button>
      <Presets />
      <button
        type="button"
        class="icon-button"
        aria-label="Half a range later"
        title="Later (])"
        disabled={!fixed}
        onClick={() => shiftRange(1)}
      >
        <Icon name="right" />
      </button>
      <Popover label={fixed ? windowText(fixed) : "From … to …"} class="button own-range">
        {(close) => <OwnWindow close={close} />}
      </Popover>
      <button type="button" class="button zoom-out" title="Twice the range (z)" onClick={zoomOut}>
        Zoom out
      </button>
      <LivePill />
      <span class="spring" />
      {rich && (
        <>
          <label class="choice">
            Against
            <select
              class="input"
              value={parameters.value.get("cmp") ?? ""}
              onChange={(event) => setEarlier(event.currentTarget.value || null)}
            >
              {kEarlier.map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          </label>
          <label class="choice" title="The highest value of each point instead of the average (m)">
            <input type="checkbox" checked={peaks.value} onChange={togglePeaks} /> Peaks
          </label>
        </>
      )}
      <label class="choice" title="Tell times in UTC instead of this browser's zone">
        <input type="checkbox" checked={zone.value !== undefined} onChange={toggleUtc} /> UTC
      </label>
      {earlier.value !== null && <span class="fine">dotted: {format.duration(earlier.value)} earlier</span>}
    </div>
  );
}
