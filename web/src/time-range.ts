// The range of time of a page as its URL says it: pure functions of text and a clock.

export interface Window {
  start: number; // Unix seconds
  end: number;
}

export interface Preset {
  name: string;
  seconds: number;
}

export const kPresets: readonly Preset[] = [
  { name: "1m", seconds: 60 },
  { name: "5m", seconds: 300 },
  { name: "15m", seconds: 900 },
  { name: "1h", seconds: 3600 },
  { name: "6h", seconds: 21600 },
  { name: "24h", seconds: 86400 },
  { name: "7d", seconds: 7 * 86400 },
  { name: "30d", seconds: 30 * 86400 },
  { name: "1y", seconds: 365 * 86400 },
];
export const kUsualPreset = kPresets[3] as Preset;

const kUnits: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800, y: 31536000 };

/** Seconds of `90s`, `15m`, `6h`, `7d`; null for anything else. */
export function parseSpan(text: string): number | null {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([smhdwy])$/.exec(text) ?? [];
  const factor = kUnits[unit];
  return factor === undefined ? null : Number(number) * factor;
}

/** A span as it is written in a URL or on a command line: 900 is `15m`. */
export function spanText(seconds: number): string {
  const [unit, factor] = (["d", "h", "m"] as const)
    .map((name) => [name, kUnits[name] as number] as const)
    .find(([, size]) => seconds >= size && seconds % size === 0) ?? ["s", 1];
  return `${Math.round(seconds / factor)}${unit}`;
}

/** Unix seconds of `now`, `now-6h`, a number of seconds or ISO 8601; null for anything else. */
export function parseMoment(text: string, now: number): number | null {
  if (text === "now") return now;
  if (text.startsWith("now-")) {
    const span = parseSpan(text.slice(4));
    return span === null ? null : now - span;
  }
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  const parsed = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(parsed) ? null : parsed / 1000;
}

export interface Range {
  /** Of the preset, or how long a window of one's own is. */
  name: string;
  seconds: number;
  /** A window that stands still; null for the newest `seconds`. */
  fixed: Window | null;
}

/** The range of `range=`, `from=` and `to=`; what cannot be understood is the usual hour. */
export function parseRange(parameters: URLSearchParams, now: number): Range {
  const preset = kPresets.find((one) => one.name === parameters.get("range")) ?? kUsualPreset;
  const live = { name: preset.name, seconds: preset.seconds, fixed: null };
  const from = parameters.get("from");
  if (!from) return live;
  const to = parameters.get("to") ?? "now";
  const start = parseMoment(from, now);
  const end = parseMoment(to, now);
  if (start === null || end === null || end - start < 1) return live;
  const seconds = end - start;
  if (to === "now" && from.startsWith("now-")) return { name: from.slice(4), seconds, fixed: null };
  return { name: spanText(Math.round(seconds)), seconds, fixed: { start, end } };
}
