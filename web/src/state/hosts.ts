// Every host that is known, one signal each: a row is drawn again only when its own host changed.
import { batch, computed, type Signal, signal } from "@preact/signals";
import type { Host, HostChange } from "../api-types";

const known = new Map<string, Signal<Host>>();

/** Names of all hosts, sorted; changes only when a host comes or goes. */
export const hostNames = signal<readonly string[]>([]);
/** False until the first answer. */
export const hostsLoaded = signal(false);
export const hostsError = signal<string | null>(null);

/** Counts up with every change of any host. */
const changes = signal(0);
/** Follows `changes` at most once a second: for what is made anew from all hosts, such as their order. */
export const settledChanges = signal(0);
const kSettleMs = 1_000;
let settledAt = 0;
let settling: ReturnType<typeof setTimeout> | undefined;

export function hostSignal(name: string): Signal<Host> | undefined {
  // Reading the names subscribes the caller to hosts that come later.
  return hostNames.value && known.get(name);
}

/** Every host now; the caller is told of changes by what else it reads. */
export function peekHosts(): Host[] {
  return hostNames.peek().map((name) => (known.get(name) as Signal<Host>).peek());
}

/** Every host; who calls this in a component is drawn again at every change of any. */
export function allHosts(): Host[] {
  return changes.value >= 0 ? peekHosts() : [];
}

function publishNames(): void {
  // Plain comparison: ten thousand names in a locale's order take half a second.
  hostNames.value = [...known.keys()].sort();
}

function settle(): void {
  clearTimeout(settling);
  settling = undefined;
  settledAt = Date.now();
  settledChanges.value = changes.peek();
}

function changed(): void {
  changes.value += 1;
  settling ??= setTimeout(settle, Math.max(0, settledAt + kSettleMs - Date.now()));
}

/** `old` with the changed values; a value that is null is no longer measured. */
function merged(old: Host["latest"], change: HostChange["latest"] = {}): Host["latest"] {
  const all = Object.entries({ ...old, ...change });
  return Object.fromEntries(all.filter((entry): entry is [string, number] => entry[1] !== null));
}

function newer(host: Host, old: Host | undefined): Host {
  // An answer that was overtaken by a delta must not turn time back.
  return old && (old.last_seen ?? 0) > (host.last_seen ?? 0) ? old : host;
}

/** Replaces everything that is known by a full list. */
export function setHosts(hosts: readonly Host[]): void {
  batch(() => {
    const names = new Set(hosts.map((host) => host.hostname));
    for (const name of known.keys()) if (!names.has(name)) known.delete(name);
    for (const host of hosts) {
      const old = known.get(host.hostname);
      if (old) old.value = newer(host, old.value);
      else known.set(host.hostname, signal(host));
    }
    publishNames();
    changed();
    settle();
    hostsLoaded.value = true;
    hostsError.value = null;
  });
}

/** Merges what changed; a host that is new comes with all its fields. */
export function applyChanges(told: readonly HostChange[]): void {
  batch(() => {
    let renamed = false;
    for (const { removed, ...change } of told) {
      const old = known.get(change.hostname);
      if (removed) {
        renamed = known.delete(change.hostname) || renamed;
      } else if (old) {
        old.value = { ...old.value, ...change, latest: merged(old.value.latest, change.latest) };
      } else {
        const blank: Omit<Host, "hostname"> = {
          status: "online",
          last_seen: null,
          interval: null,
          tags: {},
          version: null,
          agent_id: null,
          first_seen: null,
          clock_offset: null,
          latest: {},
          latest_tags: {},
        };
        known.set(change.hostname, signal({ ...blank, ...change, latest: merged({}, change.latest) }));
        renamed = true;
      }
    }
    if (renamed) publishNames();
    changed();
  });
}

export interface Counts {
  total: number;
  online: number;
  stale: number;
  offline: number;
  archived: number;
}

let counted: Counts = { total: 0, online: 0, stale: 0, offline: 0, archived: 0 };

/** Stays the same object until a number changes: who shows it is not drawn again for every value that moved. */
export const counts = computed<Counts>(() => {
  const by: Counts = { total: 0, online: 0, stale: 0, offline: 0, archived: 0 };
  for (const host of allHosts()) {
    by.total += 1;
    by[host.status] += 1;
  }
  const same = (Object.keys(by) as (keyof Counts)[]).every((key) => by[key] === counted[key]);
  if (!same) counted = by;
  return counted;
});
