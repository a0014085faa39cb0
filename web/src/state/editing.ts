// Hosts that are being changed by hand, and the admin token for it: kept until this page is left, and nowhere else.
import { signal } from "@preact/signals";
import { ApiError, changeHost, forgetHost, type HostPatch } from "../api";
import { withoutCurves } from "./trends";

/** Whose tags and state are edited; empty for nobody. */
export const edited = signal<readonly string[]>([]);

let token = "";

export function keptToken(): string {
  return token;
}

async function each(names: readonly string[], wanted: string, change: (name: string) => Promise<void>) {
  let done = 0;
  for (const name of names) {
    try {
      await change(name);
      token = wanted;
      done += 1;
    } catch (error) {
      const before = done ? `${done} of ${names.length} done, then ${name}: ` : "";
      if (error instanceof ApiError && (error.status === 401 || error.status === 403))
        throw new Error(`${before}the aggregator does not take this token for changes.`);
      throw new Error(`${before}${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** Changes every host of `names` in turn; ends at the first that fails, with words for the visitor. */
export function changeAll(names: readonly string[], patch: HostPatch, wanted: string): Promise<void> {
  return each(names, wanted, (name) => changeHost(name, patch, wanted));
}

export function forgetAll(names: readonly string[], wanted: string): Promise<void> {
  return withoutCurves(names, () => each(names, wanted, (name) => forgetHost(name, wanted)));
}
