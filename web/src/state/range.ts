// The range of time of the page, shared by all its charts and kept in the URL.
import { computed } from "@preact/signals";
import { kPresets, kUsualPreset, parseRange, parseSpan, type Range, type Window } from "../time-range";
import { now } from "./clock";
import { parameters, setParameter, setParameters } from "./route";

const kLeastSeconds = 10;

export const range = computed<Range>(() => parseRange(parameters.value, now.peek()));

/** By how many seconds earlier the range is drawn a second time; null for not at all. */
export const earlier = computed<number | null>(() => {
  const wanted = parameters.value.get("cmp");
  if (wanted === "previous") return range.value.seconds;
  return wanted ? parseSpan(wanted.replace(/^-/, "")) : null;
});

/** Whether charts show the highest value of each cell instead of the average. */
export const peaks = computed(() => parameters.value.get("agg") === "max");

/** A preset by name: the newest so many seconds, live. */
export function setRange(name: string): void {
  setParameters({ range: name === kUsualPreset.name ? null : name, from: null, to: null });
}

/** A window that stands still; the browser's Back leads to what was before. */
export function setWindow({ start, end }: Window): void {
  const middle = (start + end) / 2;
  const half = Math.max(end - start, kLeastSeconds) / 2;
  setParameters({ from: String(Math.round(middle - half)), to: String(Math.round(middle + half)) }, true);
}

/** What is shown at this moment. */
export function currentWindow(): Window {
  const { fixed, seconds } = range.value;
  return fixed ?? { start: now.peek() - seconds, end: now.peek() };
}

/** Back to the newest values, as long as the preset that was chosen last. */
export function goLive(): void {
  setParameters({ from: null, to: null });
}

/** Live or held still, in turn. */
export function toggleLive(): void {
  if (range.value.fixed) goLive();
  else setWindow(currentWindow());
}

/** By half the range into the past (−1) or back (+1), never beyond now. */
export function shiftRange(by: -1 | 1): void {
  const { start, end } = currentWindow();
  const step = (by * (end - start)) / 2;
  if (end + step >= now.peek()) goLive();
  else setWindow({ start: start + step, end: end + step });
}

/** The same window elsewhere; it ends now at the latest. */
export function moveTo({ start, end }: Window): void {
  const beyond = Math.max(0, end - now.peek());
  if (beyond && !range.value.fixed) return;
  setWindow({ start: start - beyond, end: end - beyond });
}

/** Twice the range around the same middle. */
export function zoomOut(): void {
  const { start, end } = currentWindow();
  const { fixed, name } = range.value;
  if (!fixed) {
    const wider = kPresets[kPresets.findIndex((one) => one.name === name) + 1];
    if (wider) setRange(wider.name);
    return;
  }
  const half = (end - start) / 2;
  const last = Math.min(end + half, now.peek());
  setWindow({ start: last - 4 * half, end: last });
}

export function setEarlier(value: string | null): void {
  setParameter("cmp", value);
}

export function togglePeaks(): void {
  setParameter("agg", peaks.value ? null : "max");
}
