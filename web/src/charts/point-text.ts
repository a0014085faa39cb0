// What one point of a chart stands for, and where the aggregator took it from.
import * as format from "../format";

const kTiers: Readonly<Record<string, string>> = {
  raw: "samples",
  "5m": "5-minute cells",
  "1h": "hourly cells",
};

/** `1 point = 5 min, from samples`; without the tier until it is known. */
export function pointText(step: number, tier: string | null): string {
  return `1 point = ${format.duration(step)}${tier ? `, from ${kTiers[tier] ?? tier}` : ""}`;
}
