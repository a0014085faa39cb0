// Which lines of a chart are shown: all, or those that were pressed in its legend.
import type { Over } from "./layers";
import type { Drawn } from "./lines";

/** Labels of the lines that are shown; null for all. */
export type Shown = ReadonlySet<string> | null;

/**
 * What is shown after a press on `label`: it alone, and after a second press all again; with `add` it is put to
 * the others or taken away.
 */
export function afterPress(shown: Shown, labels: readonly string[], label: string, add: boolean): Shown {
  if (!add) return shown?.size === 1 && shown.has(label) ? null : new Set([label]);
  const next = new Set(shown ?? labels);
  if (!next.delete(label)) next.add(label);
  return next.size === 0 || labels.every((one) => next.has(one)) ? null : next;
}

/** The shown lines of `drawn`; all of them where none of the pressed ones is left. */
export function only(drawn: Drawn, shown: Shown): Drawn {
  const kept = drawn.lines.flatMap(({ label }, index) => (shown?.has(label) ? [index] : []));
  if (!kept.length) return drawn;
  return {
    times: drawn.times,
    lines: kept.flatMap((index) => drawn.lines[index] ?? []),
    values: kept.map((index) => drawn.values[index] ?? []),
  };
}

/** What lies over the shown lines: the whole of a stack says nothing of its parts. */
export function onlyOver(over: readonly Over[], shown: Shown): readonly Over[] {
  if (!shown) return over;
  return over.flatMap((one) => {
    const lines = one.drawn.lines.filter(({ label }) => shown.has(label));
    return lines.length ? [{ ...one, drawn: only(one.drawn, shown) }] : [];
  });
}
