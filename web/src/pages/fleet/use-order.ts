// The hosts to show, in order.  While the pointer is over them, or some are chosen, nobody changes place.
import { useComputed, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { groupBy, sortBy } from "../../state/fleet-view";
import { hostSignal, peekHosts, settledChanges } from "../../state/hosts";
import { parameters } from "../../state/route";
import { selected } from "../../state/selection";
import { kColumns } from "./columns";
import { held, ordered } from "./order";

const kValues = {
  ...Object.fromEntries(kColumns.map((column) => [column.id, column.value])),
  name: (host: { hostname: string }) => host.hostname,
};

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}

export interface Order {
  names: readonly string[];
  /** What they are the answer to: it changes by what a visitor does, not by what the hosts do. */
  question: string;
  /** The order that is shown is held and no longer the one it would be. */
  outdated: boolean;
  /** Puts every host in its place now, whoever points at it. */
  sortNow(): void;
  onHover(over: boolean): void;
}

export function useOrder(): Order {
  const hovered = useSignal(false);
  const pressed = useSignal(0);
  const shown = useRef({ key: "", names: [] as readonly string[], outdated: false });
  const order = useComputed(() => {
    settledChanges.value;
    const query = parameters.value.get("q") ?? "";
    const still = hovered.value || selected.value.size > 0;
    // A new question or a press on "sort again" is what moves rows although they are held.
    const key = JSON.stringify([query, sortBy.value, groupBy.value, pressed.value]);
    const wanted = ordered(peekHosts(), query, sortBy.value, kValues).map((host) => host.hostname);
    const old = shown.current;
    const names =
      still && key === old.key ? held(old.names, wanted, (name) => hostSignal(name) !== undefined) : wanted;
    const outdated = !same(names, wanted);
    // The same object while nothing moved: nobody is drawn again.
    if (key !== old.key || outdated !== old.outdated || !same(names, old.names))
      shown.current = { key, names, outdated };
    return shown.current;
  }).value;
  return {
    names: order.names,
    question: order.key,
    outdated: order.outdated,
    sortNow: () => {
      pressed.value += 1;
    },
    onHover: (over) => {
      hovered.value = over;
    },
  };
}
