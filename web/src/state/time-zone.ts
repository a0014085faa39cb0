// In which zone times are told: the browser's, or UTC where the URL says so.
import { computed } from "@preact/signals";
import { parameters, setParameter } from "./route";

/** An IANA name; undefined for the browser's own zone. */
export const zone = computed(() => (parameters.value.get("tz") === "utc" ? "UTC" : undefined));

export function toggleUtc(): void {
  setParameter("tz", zone.value ? null : "utc");
}
