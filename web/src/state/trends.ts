// Curves of the last hour for the hosts that are looked at: one request for all of them, once a minute.
import { effect, type Signal, signal } from "@preact/signals";
import { getMetricsOfMany } from "../api";
import { kLatest, type Series } from "../api-types";
import { now } from "./clock";
import { keep, readKept } from "./kept";
import { noticeRefusal } from "./session";

export const kTrendTypes = [kLatest.cpu, kLatest.memory] as const;
export const kTrendSeconds = 3600;
const kStep = 120;
const kFreshMs = 60_000;
// Rows come many at a time; who scrolls past is not asked for.
const kGatherMs = 200;
const kMostAtOnce = 60;
// Curves of hosts out of sight; a fleet in the worst-first order shows others all the time.
const kMostKept = 100;

export interface Trend {
  end: number;
  series: readonly Series[];
}

/** Whether the curves are wanted at all. */
export const trendsOn = signal(readKept("trends") !== "off");

export function toggleTrends(): void {
  trendsOn.value = !trendsOn.value;
  keep("trends", trendsOn.value ? "on" : "off");
}

const known = new Map<string, Signal<Trend | null>>();
const readAt = new Map<string, number>();
const looked = new Map<string, number>(); // host -> by how many rows
let next: { at: number; timer: ReturnType<typeof setTimeout> } | null = null;
let reading: Promise<void> | null = null;
// Hosts that are being forgotten: one name that nobody knows would cost all others their curves.
const going = new Set<string>();

export function trendOf(name: string): Signal<Trend | null> {
  let one = known.get(name);
  if (!one) {
    one = signal(null);
    known.set(name, one);
  }
  return one;
}

/** Says that a host's curve is in sight until the returned function is called. */
export function lookAt(name: string): () => void {
  looked.set(name, (looked.get(name) ?? 0) + 1);
  schedule(kGatherMs);
  return () => {
    const left = (looked.get(name) ?? 1) - 1;
    if (left > 0) looked.set(name, left);
    else looked.delete(name);
  };
}

/** Reads in so many milliseconds at the latest. */
function schedule(ms: number): void {
  const at = Date.now() + ms;
  if (next && next.at <= at) return;
  clearTimeout(next?.timer);
  const timer = setTimeout(() => {
    next = null;
    startReading();
  }, ms);
  next = { at, timer };
}

function forgetUnseen(): void {
  if (known.size <= kMostKept) return;
  for (const name of known.keys()) {
    if (looked.has(name)) continue;
    known.delete(name);
    readAt.delete(name);
  }
}

function startReading(): void {
  if (reading || document.hidden || !trendsOn.peek()) return;
  const old = Date.now() - kFreshMs;
  const wanted = (name: string) => !going.has(name) && (readAt.get(name) ?? 0) <= old;
  const names = [...looked.keys()].filter(wanted).slice(0, kMostAtOnce);
  if (!names.length) {
    if (looked.size) schedule(kFreshMs / 4);
    return;
  }
  reading = read(names).finally(() => {
    reading = null;
    forgetUnseen();
    schedule(kGatherMs);
  });
}

async function read(names: readonly string[]): Promise<void> {
  for (const name of names) readAt.set(name, Date.now());
  const end = Math.ceil(now.peek() / kStep) * kStep;
  try {
    const asked = { hosts: names, types: kTrendTypes, start: end - kTrendSeconds, end, step: kStep };
    const found = new Map<string, Series[]>(names.map((name) => [name, []]));
    for (const series of (await getMetricsOfMany(asked)).series) found.get(series.host)?.push(series);
    for (const [name, series] of found) trendOf(name).value = { end, series };
  } catch (error) {
    // A curve is an extra: the next round asks again, and what else fails says so itself.
    noticeRefusal(error);
  }
}

/** Forgets hosts while nobody asks for their curves, nor for a minute after: by then their rows are gone. */
export async function withoutCurves(names: readonly string[], forget: () => Promise<void>): Promise<void> {
  for (const name of names) going.add(name);
  try {
    await reading;
    await forget();
  } finally {
    for (const name of names) {
      going.delete(name);
      readAt.set(name, Date.now());
    }
  }
}

effect(() => {
  if (trendsOn.value) schedule(kGatherMs);
});
document.addEventListener("visibilitychange", () => schedule(kGatherMs));
