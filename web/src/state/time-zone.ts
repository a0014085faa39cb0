// In which zone times are told: the browser's, or UTC where the URL says so.
import { computed, effect } from "@preact/signals";
import * as format from "../format";
import { parameters, setParameter } from "./route";

/** An IANA name; undefined for the browser's own zone. */
export const zone = computed(() => (parameters.value.get("tz") === "utc" ? "UTC" : undefined));

effect(() => format.showTimesIn(zone.value));

export function toggleUtc(): void {
  setParameter("tz", zone.value ? null : "utc");
}
