// In which order hosts are shown, and into which lines they are laid: pure functions of hosts and choices.
import type { Host, HostStatus } from "../../api-types";
import { kLatest } from "../../api-types";
import { parseQuery } from "../../search";
import { type Severity, worstFirst, worstOf } from "../../severity";

type Value = (host: Host) => number | string | undefined;

function byValue(hosts: readonly Host[], value: Value, descending: boolean): Host[] {
  const keyed = hosts.map((host) => ({ host, key: value(host) }));
  keyed.sort((a, b) => {
    if (a.key === undefined || b.key === undefined) {
      if (a.key !== b.key) return a.key === undefined ? 1 : -1;
    } else if (a.key !== b.key) return a.key < b.key !== descending ? -1 : 1;
    return a.host.hostname < b.host.hostname ? -1 : 1;
  });
  return keyed.map(({ host }) => host);
}

/**
 * The hosts that match, in order.
 * `sort` is a key of `values`, with a minus for descending; null, or what is no key, sorts worst first.
 */
export function ordered(
  hosts: readonly Host[],
  query: string,
  sort: string | null,
  values: Readonly<Record<string, Value>>,
): Host[] {
  const found = hosts.filter(parseQuery(query));
  const descending = sort?.startsWith("-") ?? false;
  const value = sort === null ? undefined : values[descending ? sort.slice(1) : sort];
  return value ? byValue(found, value, descending) : worstFirst(found);
}

/** The order that is shown while it may not move: what is there stays in place, what is new comes last. */
export function held(
  shown: readonly string[],
  wanted: readonly string[],
  exists: (name: string) => boolean,
): string[] {
  const there = new Set(shown);
  return [...shown.filter(exists), ...wanted.filter((name) => !there.has(name))];
}

export interface Group {
  /** The tag's value; the empty string for hosts without the tag. */
  value: string;
  names: string[];
  counts: Partial<Record<HostStatus, number>>;
  worst: Severity;
  /** Over the hosts that are online and have the value; null where none has. */
  averages: { cpu: number | null; memory: number | null };
}

function average(values: readonly (number | undefined)[]): number | null {
  const there = values.filter((value) => value !== undefined);
  return there.length ? there.reduce((sum, value) => sum + value, 0) / there.length : null;
}

/** Hosts by the values of one tag, in the order of their first hosts: the group of the worst host is first. */
export function grouped(hosts: readonly Host[], tag: string): Group[] {
  const members = new Map<string, Host[]>();
  for (const host of hosts) {
    const value = host.tags[tag] ?? "";
    const list = members.get(value);
    if (list) list.push(host);
    else members.set(value, [host]);
  }
  return [...members].map(([value, list]) => {
    const counts: Group["counts"] = {};
    let worst: Severity = 0;
    for (const host of list) {
      counts[host.status] = (counts[host.status] ?? 0) + 1;
      worst = Math.max(worst, worstOf(host)) as Severity;
    }
    const online = list.filter((host) => host.status === "online");
    return {
      value,
      names: list.map((host) => host.hostname),
      counts,
      worst,
      averages: {
        cpu: average(online.map((host) => host.latest[kLatest.cpu])),
        memory: average(online.map((host) => host.latest[kLatest.memory])),
      },
    };
  });
}

/** One line of the list: a group's heading, or as many hosts as stand beside each other. */
export type Line = { group: Group } | { names: readonly string[] };

export function linesOf(
  groups: readonly Group[],
  folded: ReadonlySet<string>,
  headings: boolean,
  perLine: number,
) {
  const lines: Line[] = [];
  for (const group of groups) {
    if (headings) lines.push({ group });
    if (headings && folded.has(group.value)) continue;
    for (let at = 0; at < group.names.length; at += perLine) {
      lines.push({ names: group.names.slice(at, at + perLine) });
    }
  }
  return lines;
}

/** Where each line begins, and where the last ends, for lines of two heights. */
export function offsetsOf(lines: readonly Line[], heading: number, height: number): number[] {
  const offsets = [0];
  let at = 0;
  for (const line of lines) {
    at += "group" in line ? heading : height;
    offsets.push(at);
  }
  return offsets;
}

/** The lines [first, last) that touch [top, bottom). */
export function visible(offsets: readonly number[], top: number, bottom: number): [number, number] {
  const count = offsets.length - 1;
  let first = 0;
  let high = count;
  while (first < high) {
    const middle = (first + high) >> 1;
    if ((offsets[middle + 1] as number) <= top) first = middle + 1;
    else high = middle;
  }
  let last = first;
  while (last < count && (offsets[last] as number) < bottom) last += 1;
  return [first, last];
}
