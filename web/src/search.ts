// The search box: words over name, tags, version and status; `key:value`, `cpu>80` and a leading `-` for not.
import { type Host, kLatest } from "./api-types";

type Test = (host: Host) => boolean;

const kFields: Record<string, string> = {
  cpu: kLatest.cpu,
  memory: kLatest.memory,
  mem: kLatest.memory,
  disk: kLatest.disk,
  pressure: kLatest.pressure,
  load: kLatest.load,
  temp: kLatest.temperature,
  temperature: kLatest.temperature,
};

// Made once for a host as it is: every letter that is typed looks through all of them.
const texts = new WeakMap<Host, string>();

function text(host: Host): string {
  let known = texts.get(host);
  if (known === undefined) {
    const tags = Object.entries(host.tags).flat();
    known = [host.hostname, host.status, host.version ?? "", ...tags].join(" ").toLowerCase();
    texts.set(host, known);
  }
  return known;
}

const kComparisons: Record<string, (value: number, limit: number) => boolean> = {
  ">": (value, limit) => value > limit,
  "<": (value, limit) => value < limit,
  ">=": (value, limit) => value >= limit,
  "<=": (value, limit) => value <= limit,
};

function comparison(word: string): Test | null {
  const [, field = "", operator = "", number] = /^([a-z]+)(>=|<=|>|<)(\d+(?:\.\d+)?)$/.exec(word) ?? [];
  const type = kFields[field];
  const holds = kComparisons[operator];
  if (!type || !holds) return null;
  return (host) => {
    const value = host.latest[type];
    // A host without the value matches neither side.
    return value !== undefined && holds(value, Number(number));
  };
}

function keyed(word: string): Test | null {
  const colon = word.indexOf(":");
  if (colon < 1) return null;
  const key = word.slice(0, colon);
  const value = word.slice(colon + 1);
  if (key === "state" || key === "status") return (host) => host.status.startsWith(value);
  if (key === "tag") {
    const [name = "", wanted] = value.split("=");
    return (host) =>
      Object.entries(host.tags).some(
        ([tag, has]) => tag.toLowerCase() === name && (wanted === undefined || has.toLowerCase() === wanted),
      );
  }
  return (host) =>
    Object.entries(host.tags).some(
      ([tag, has]) => tag.toLowerCase() === key && has.toLowerCase().startsWith(value),
    );
}

function parseWord(word: string): Test {
  if (word.startsWith("-") && word.length > 1) {
    const inner = parseWord(word.slice(1));
    return (host) => !inner(host);
  }
  return comparison(word) ?? keyed(word) ?? ((host) => text(host).includes(word));
}

/**
 * A test that a host passes when it matches every word of `query`; an empty query matches all.
 * An archived host is out of sight unless its status is asked for.
 */
export function parseQuery(query: string): Test {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const tests = words.map(parseWord);
  const archived = words.some((word) => /^(state:|status:)?archived$/.test(word));
  return (host) => (archived || host.status !== "archived") && tests.every((test) => test(host));
}
