// The time range of the host and compare pages, kept in the URL.
import { computed } from "@preact/signals";
import { parameters, setParameter } from "./route";

export interface Range {
  name: string;
  seconds: number;
}

export const kRanges: readonly Range[] = [
  { name: "15m", seconds: 900 },
  { name: "1h", seconds: 3600 },
  { name: "6h", seconds: 21600 },
  { name: "24h", seconds: 86400 },
];
const kDefault = kRanges[1] as Range;

export const range = computed<Range>(
  () => kRanges.find((one) => one.name === parameters.value.get("range")) ?? kDefault,
);

export function setRange(name: string): void {
  setParameter("range", name === kDefault.name ? null : name);
}
