// How a comparison is laid out, kept in the URL.
import { computed } from "@preact/signals";
import { parameters, setParameter } from "./route";

export const kLayouts = [
  { id: "overlay", title: "overlay" },
  { id: "side", title: "side by side" },
  { id: "difference", title: "difference" },
  { id: "table", title: "table" },
] as const;

export type Layout = (typeof kLayouts)[number]["id"];

export const layout = computed<Layout>(
  () => kLayouts.find((one) => one.id === parameters.value.get("layout"))?.id ?? "overlay",
);

export function setLayout(id: Layout): void {
  setParameter("layout", id === "overlay" ? null : id);
}

export const kPers = [
  { id: "core", title: "core" },
  { id: "gib", title: "GiB of memory" },
] as const;

/** What a host's values are divided by, so that big and small machines compare; null for nothing. */
export const per = computed(() => kPers.find((one) => one.id === parameters.value.get("per")) ?? null);

export function setPer(id: string | null): void {
  setParameter("per", id);
}

/** The host that the others are held against: the one that was chosen, else the first. */
export function referenceOf(hosts: readonly string[]): string {
  const wanted = parameters.value.get("ref");
  return hosts.find((name) => name === wanted) ?? hosts[0] ?? "";
}

export function setReference(name: string | null): void {
  setParameter("ref", name);
}

/** The metric whose outliers are looked for among many hosts. */
export const manyMetric = computed(() => parameters.value.get("metric") ?? "cpu.total_usage");

export function setManyMetric(type: string): void {
  setParameter("metric", type === "cpu.total_usage" ? null : type);
}
