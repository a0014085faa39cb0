// What a visitor has set for this browser: how times are told.
import { effect, signal } from "@preact/signals";
import * as format from "../format";
import { keep, readKept } from "./kept";
import { zone } from "./time-zone";

export const hours = signal<12 | 24>(readKept("hours") === "12" ? 12 : 24);
export const settingsOpen = signal(false);

export function setHours(wanted: 12 | 24): void {
  hours.value = wanted;
  keep("hours", String(wanted));
}

effect(() => format.showTimesIn(zone.value, hours.value));
