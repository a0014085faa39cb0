// Which metrics a comparison draws: those everybody asks for, then those that differ most.
import type { Difference } from "../../api-types";
import type { Subject } from "../../charts/overlay";
import * as format from "../../format";

export const kAlways: readonly Subject[] = [
  { title: "CPU", type: "cpu.total_usage", tags: {}, unit: "percent", leastTop: 100 },
  { title: "Memory", type: "memory.usage_percent", tags: {}, unit: "percent", leastTop: 100 },
];
const kMostDiffering = 6;

export function subjectKey(subject: Subject): string {
  return `${subject.type} ${JSON.stringify(subject.tags)}`;
}

export function differing(differs: readonly Difference[]): Subject[] {
  return differs
    .filter((one) => !kAlways.some((always) => always.type === one.type))
    .slice(0, kMostDiffering)
    .map((one) => {
      const unit = format.shownUnit(one.unit, one.kind);
      return {
        title: [one.type, format.tagList(one.tags)].filter(Boolean).join(" · "),
        type: one.type,
        tags: one.tags,
        unit,
        leastTop: unit === "percent" ? 5 : 1e-9,
      };
    });
}
