// Every host that is known, one signal each: a row is drawn again only when its own host changed.
import { batch, computed, type Signal, signal } from "@preact/signals";
import type { Host, HostChange } from "../api-types";

const known = new Map<string, Signal<Host>>();

/** Names of all hosts, sorted; changes only when a host comes or goes. */
export const hostNames = signal<readonly string[]>([]);
/** False until the first answer. */
export const hostsLoaded = signal(false);
export const hostsError = signal<string | null>(null);

export function hostSignal(name: string): Signal<Host> | undefined {
  // Reading the names subscribes the caller to hosts that come later.
  return hostNames.value.includes(name) ? known.get(name) : undefined;
}

export function allHosts(): Host[] {
  return hostNames.value.map((name) => (known.get(name) as Signal<Host>).value);
}

function publishNames(): void {
  hostNames.value = [...known.keys()].sort((a, b) => a.localeCompare(b));
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
    hostsLoaded.value = true;
    hostsError.value = null;
  });
}

/** Merges what changed; a host that is new comes with all its fields. */
export function applyChanges(changes: readonly HostChange[]): void {
  batch(() => {
    let changed = false;
    for (const { removed, ...change } of changes) {
      const old = known.get(change.hostname);
      if (removed) {
        changed = known.delete(change.hostname) || changed;
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
        changed = true;
      }
    }
    if (changed) publishNames();
  });
}

export const counts = computed(() => {
  const by = { total: 0, online: 0, stale: 0, offline: 0, archived: 0 };
  for (const host of allHosts()) {
    by.total += 1;
    by[host.status] += 1;
  }
  return by;
});
