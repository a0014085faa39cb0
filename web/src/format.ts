// Units and times as people read them.  The only place where a percent or a MiB is made.

const kThin = "\u202f"; // narrow no-break space: number and unit never part
export const kAbsent = "–";

const kBinary = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const kDecimal = ["", "k", "M", "G", "T"];

function digits(value: number, places: number): string {
  // A negative zero ("-0.0") is noise.
  return (Math.abs(value) < 0.5 * 10 ** -places ? 0 : value).toFixed(places);
}

/** Three significant figures: 0.12, 4.20, 41.7, 512. */
function compact(value: number): string {
  const size = Math.abs(value);
  return digits(value, size >= 99.95 || size === 0 ? 0 : size >= 9.995 ? 1 : 2);
}

function scaled(value: number, base: number, names: readonly string[], unit: string): string {
  let size = value;
  let rung = 0;
  // 0.9995 and not 1: 1023.7 KiB would otherwise be printed as "1024 KiB".
  while (Math.abs(size) >= base * 0.9995 && rung < names.length - 1) {
    size /= base;
    rung += 1;
  }
  // What was never scaled and is whole is a count: 4 cores, not 4.00.
  const shown = rung === 0 && Number.isInteger(size) ? digits(size, 0) : compact(size);
  const suffix = `${names[rung]}${unit}`;
  return suffix ? `${shown}${kThin}${suffix}` : shown;
}

export function percent(value: number, places = 1): string {
  return `${digits(value, places)}${kThin}%`;
}

export function bytes(value: number): string {
  return Math.abs(value) < 1023.5 ? `${digits(value, 0)}${kThin}B` : scaled(value, 1024, kBinary, "");
}

export function byteRate(value: number): string {
  return `${bytes(value)}/s`;
}

export function count(value: number): string {
  return scaled(value, 1000, kDecimal, "");
}

export function celsius(value: number): string {
  return `${digits(value, 0)}${kThin}°C`;
}

export function ratio(value: number): string {
  return digits(value, 2);
}

/** A short span such as an await or an offset: 350 µs, 12.4 ms, 1.80 s. */
export function seconds(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return `0${kThin}s`;
  if (size < 1e-3) return `${compact(value * 1e6)}${kThin}µs`;
  if (size < 1) return `${compact(value * 1e3)}${kThin}ms`;
  if (size < 120) return `${compact(value)}${kThin}s`;
  return duration(value);
}

/** A long span in its two largest parts: 45 s, 12 min, 3 h 20 min, 12 d 4 h. */
export function duration(value: number): string {
  const s = Math.max(0, Math.floor(value));
  const part = (n: number, unit: string) => `${n}${kThin}${unit}`;
  if (s < 60) return part(s, "s");
  if (s < 3600) return part(Math.floor(s / 60), "min");
  const [big, small, large, rest] =
    s < 86400
      ? ["h", "min", Math.floor(s / 3600), Math.floor((s % 3600) / 60)]
      : ["d", "h", Math.floor(s / 86400), Math.floor((s % 86400) / 3600)];
  return rest
    ? `${part(large as number, big as string)} ${part(rest as number, small as string)}`
    : part(large as number, big as string);
}

/** How long ago `time` was, both in Unix seconds. */
export function age(time: number | null, now: number): string {
  if (time === null) return "never";
  const gone = now - time;
  return gone < 1 ? "just now" : `${duration(gone)} ago`;
}

/** `value` in the unit that the registry gives its metric. */
export function inUnit(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return kAbsent;
  switch (unit) {
    case "percent":
      return percent(value);
    case "bytes":
      return bytes(value);
    case "bytes_per_second":
      return byteRate(value);
    case "seconds":
      return seconds(value);
    case "celsius":
      return celsius(value);
    case "hertz":
      return scaled(value, 1000, kDecimal, "Hz");
    case "watts":
      return `${compact(value)}${kThin}W`;
    case "per_second":
      return `${count(value)}/s`;
    case "load":
      return ratio(value);
    default:
      return count(value);
  }
}

/** A tick of a chart's axis: as `inUnit`, with no more decimals than ticks `step` apart need. */
export function axis(value: number, unit: string, step: number): string {
  let places = 0;
  while (places < 6 && Math.abs(step * 10 ** places - Math.round(step * 10 ** places)) > 1e-6) places += 1;
  if (unit === "percent") return percent(value, places);
  if (unit === "load") return digits(value, places);
  return inUnit(value, unit).replace(/^(-?\d+)\.0+(?=\D|$)|^(-?\d+\.\d*[1-9])0+(?=\D|$)/, "$1$2");
}

/** The unit in which values of a metric are shown: a counter's as rates. */
export function shownUnit(unit: string, kind: string): string {
  if (kind !== "counter") return unit;
  return unit === "bytes" ? "bytes_per_second" : "per_second";
}

const kMinute = { hour: "2-digit", minute: "2-digit" } as const;
const kTimes = {
  clock: kMinute,
  clockSeconds: { ...kMinute, second: "2-digit" },
  day: { day: "numeric", month: "short" },
  full: { year: "numeric", month: "short", day: "numeric", ...kMinute, second: "2-digit" },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

let timeZone: string | undefined;
let hourCycle: "h12" | "h23" = "h23";
const made = new Map<keyof typeof kTimes, Intl.DateTimeFormat>();

/** Made when it is first needed: a formatter costs the first paint more than a chart does. */
function told(name: keyof typeof kTimes, time: number): string {
  let form = made.get(name);
  if (!form) {
    form = new Intl.DateTimeFormat(undefined, { ...kTimes[name], hourCycle, timeZone });
    made.set(name, form);
  }
  return form.format(time * 1000);
}

/** Tells all times from now on in an IANA zone (undefined for the browser's), by a clock of 12 or 24 hours. */
export function showTimesIn(zone: string | undefined, hours: 12 | 24): void {
  timeZone = zone;
  hourCycle = hours === 12 ? "h12" : "h23";
  made.clear();
}

export function clock(time: number): string {
  return told("clock", time);
}

export function clockSeconds(time: number): string {
  return told("clockSeconds", time);
}

export function day(time: number): string {
  return told("day", time);
}

export function dateTime(time: number): string {
  return told("full", time);
}

/** A dimensionless size of a difference; what is huge is only said to be so. */
export function effect(value: number): string {
  return Math.abs(value) >= 100 ? "> 100" : digits(value, 1);
}

/** A sentence of the aggregator's with its numbers and units kept on one line. */
export function sentence(text: string): string {
  return text.replace(/(\d) (%|°C|[KMGTP]?i?B(?:\/s)?|[mµ]?s|min|h|d)(?![\w])/g, `$1${kThin}$2`);
}

/** Tags on one line: `mountpoint /var · device sda1`. */
export function tagList(tags: Record<string, string>): string {
  return Object.entries(tags)
    .map(([key, value]) => `${key} ${value}`)
    .join(" · ");
}

/** A fact of any shape as text: lists are joined, objects are `key value` pairs. */
export function fact(name: string, value: unknown): string {
  if (value === null || value === undefined || value === "") return kAbsent;
  if (typeof value === "number") {
    if (name.endsWith("_bytes")) return bytes(value);
    if (name.endsWith("_seconds")) return seconds(value);
    return String(value);
  }
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map((item) => fact("", item)).join(", ");
  if (typeof value === "object") {
    return Object.entries(value)
      .map(([key, item]) => `${key} ${fact(key, item)}`)
      .join(", ");
  }
  return String(value);
}
