import assert from "node:assert/strict";
import { test } from "node:test";
import type { Host } from "../src/api-types";
import { parseQuery } from "../src/search";

function host(hostname: string, extra: Partial<Host> = {}): Host {
  const blank = { agent_id: null, first_seen: 0, clock_offset: 0, latest: {}, latest_tags: {}, tags: {} };
  return { hostname, status: "online", last_seen: 0, interval: 10, version: "1.0.0", ...blank, ...extra };
}

const fleet = [
  host("web01", { tags: { role: "web-server", env: "prod" }, latest: { "cpu.total_usage": 91 } }),
  host("db01", {
    tags: { role: "database", env: "prod" },
    status: "stale",
    latest: { "cpu.total_usage": 12 },
  }),
  host("lab", { tags: { env: "lab" }, status: "offline" }),
];
const found = (query: string) => fleet.filter(parseQuery(query)).map((one) => one.hostname);

test("an empty query matches every host", () => assert.deepEqual(found("  "), ["web01", "db01", "lab"]));
test("words match name, tags, version and status, whatever their case", () => {
  assert.deepEqual(found("WEB"), ["web01"]);
  assert.deepEqual(found("prod"), ["web01", "db01"]);
  assert.deepEqual(found("1.0.0"), ["web01", "db01", "lab"]);
  assert.deepEqual(found("offline"), ["lab"]);
});
test("every word must match", () => assert.deepEqual(found("prod data"), ["db01"]));
test("a tag is found by key and the start of its value", () => {
  assert.deepEqual(found("role:data"), ["db01"]);
  assert.deepEqual(found("tag:env=lab"), ["lab"]);
  assert.deepEqual(found("tag:role"), ["web01", "db01"]);
});
test("state is not a tag", () => assert.deepEqual(found("state:stale"), ["db01"]));
test("a minus says without", () => assert.deepEqual(found("-tag:env=prod"), ["lab"]));
test("a value is compared, and a host without it matches neither side", () => {
  assert.deepEqual(found("cpu>80"), ["web01"]);
  assert.deepEqual(found("cpu<=80"), ["db01"]);
});
test("what cannot be understood is searched as a word", () => {
  assert.deepEqual(found("cpu>"), []);
  assert.deepEqual(found("(["), []);
});
test("an archived host is shown only when it is asked for", () => {
  const hosts = [host("here"), host("put-away", { status: "archived" })];
  const names = (query: string) => hosts.filter(parseQuery(query)).map((one) => one.hostname);
  assert.deepEqual(names(""), ["here"]);
  assert.deepEqual(names("put"), []);
  assert.deepEqual(names("state:archived"), ["put-away"]);
});
