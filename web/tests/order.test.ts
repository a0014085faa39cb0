import assert from "node:assert/strict";
import { test } from "node:test";
import type { Host } from "../src/api-types";
import { grouped, held, linesOf, offsetsOf, ordered, visible } from "../src/pages/fleet/order";

function host(hostname: string, cpu?: number, extra: Partial<Host> = {}): Host {
  const blank = { agent_id: null, first_seen: 0, clock_offset: 0, latest_tags: {}, tags: {}, version: null };
  const latest: Record<string, number> = cpu === undefined ? {} : { "cpu.total_usage": cpu };
  return { hostname, status: "online", last_seen: 0, interval: 10, ...blank, latest, ...extra };
}

const values = { cpu: (one: Host) => one.latest["cpu.total_usage"] };
const fleet = [
  host("a", 20, { tags: { role: "db" } }),
  host("b", 20, { tags: { role: "web" } }),
  host("none"),
  host("top", 97, { tags: { role: "web" } }),
];
const names = (hosts: readonly Host[]) => hosts.map((one) => one.hostname);

test("a column sorts both ways; ties by name, hosts without the value last", () => {
  assert.deepEqual(names(ordered(fleet, "", "-cpu", values)), ["top", "a", "b", "none"]);
  assert.deepEqual(names(ordered(fleet, "", "cpu", values)), ["a", "b", "top", "none"]);
});

test("no column, or one that is unknown, sorts worst first", () => {
  assert.deepEqual(names(ordered(fleet, "", null, values)), ["top", "a", "b", "none"]);
  assert.deepEqual(names(ordered(fleet, "", "nonsense", values)), ["top", "a", "b", "none"]);
});

test("a held order moves nobody: what came is last, what went is gone, what no longer matches stays", () => {
  const wanted = ["new", "c", "a"];
  assert.deepEqual(
    held(["a", "b", "c", "gone"], wanted, (name) => name !== "gone"),
    ["a", "b", "c", "new"],
  );
});

test("groups stand in the order of their worst hosts and say how they are", () => {
  const groups = grouped(ordered(fleet, "", null, values), "role");
  assert.deepEqual(
    groups.map((group) => [group.value, group.names, group.worst]),
    [
      ["web", ["top", "b"], 2],
      ["db", ["a"], 0],
      ["", ["none"], 0],
    ],
  );
  assert.equal(groups[0]?.averages.cpu, 58.5);
  assert.equal(groups[2]?.averages.cpu, null);
  assert.deepEqual(groups[0]?.counts, { online: 2 });
});

test("a folded group is its heading alone", () => {
  const groups = grouped(fleet, "role");
  assert.equal(linesOf(groups, new Set(["web"]), true, 1).length, 3 + 2);
  assert.equal(linesOf(groups, new Set(["web"]), false, 1).length, 4);
  assert.equal(linesOf(groups, new Set(), true, 2).length, 3 + 3);
});

test("only the lines that touch the window are visible", () => {
  const lines = linesOf(grouped(fleet, "role"), new Set(), true, 1);
  const offsets = offsetsOf(lines, 44, 56);
  assert.equal(offsets.at(-1), 3 * 44 + 4 * 56);
  assert.deepEqual(visible(offsets, 0, 44), [0, 1]);
  assert.deepEqual(visible(offsets, 44, 101), [1, 3]);
  assert.deepEqual(visible(offsets, 1e6, 2e6), [7, 7]);
  assert.deepEqual(visible([0], 0, 500), [0, 0]);
});
