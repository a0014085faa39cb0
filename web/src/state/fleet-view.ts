// How the fleet is shown: what belongs to a link lives in the URL, what belongs to the visitor in this browser.
import { computed, signal } from "@preact/signals";
import { keep, readKept } from "./kept";
import { parameters, setParameter } from "./route";

export type View = "table" | "grid" | "map";
export const kViews: readonly View[] = ["table", "grid", "map"];

const kNarrow = matchMedia("(max-width: 900px)");
const narrow = signal(kNarrow.matches);
kNarrow.addEventListener("change", () => {
  narrow.value = kNarrow.matches;
});

const keptView = signal(readKept("view"));

function known(name: string | null): View | undefined {
  return kViews.find((one) => one === name);
}

/** The view asked for; a table does not fit a narrow window, so there it is the grid. */
export const view = computed<View>(() => {
  const wanted = known(parameters.value.get("view")) ?? known(keptView.value) ?? "table";
  return wanted === "table" && narrow.value ? "grid" : wanted;
});

export function setView(name: View): void {
  keep("view", name);
  keptView.value = name;
  setParameter("view", name === "table" ? null : name);
}

export function nextView(): void {
  setView(kViews[(kViews.indexOf(view.value) + 1) % kViews.length] as View);
}

/** The tag by whose values the hosts are grouped; null for one group. */
export const groupBy = computed(() => parameters.value.get("group"));

export function setGroupBy(tag: string | null): void {
  setParameter("group", tag);
}

/** `cpu` for ascending, `-cpu` for descending by a column's id; null for worst first. */
export const sortBy = computed(() => parameters.value.get("sort"));

export function setSortBy(sort: string | null): void {
  setParameter("sort", sort);
}

/** The column that colours the map. */
export const colourBy = computed(() => parameters.value.get("colour") ?? "cpu");

export function setColourBy(id: string): void {
  setParameter("colour", id === "cpu" ? null : id);
}

/** The column that sizes the map's tiles; null for one size. */
export const sizeBy = computed(() => parameters.value.get("size"));

export function setSizeBy(id: string | null): void {
  setParameter("size", id);
}

/** Ids of the chosen columns in the chosen order; null for the usual ones. */
export const chosenColumns = signal<readonly string[] | null>(
  readKept("columns")?.split(",").filter(Boolean) ?? null,
);

export function chooseColumns(ids: readonly string[]): void {
  chosenColumns.value = ids;
  keep("columns", ids.join(","));
}

/** Values of the grouping tag whose hosts are folded away. */
export const folded = signal<ReadonlySet<string>>(new Set());

export function toggleFolded(value: string): void {
  const next = new Set(folded.value);
  if (!next.delete(value)) next.add(value);
  folded.value = next;
}
