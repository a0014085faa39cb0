import assert from "node:assert/strict";
import { test } from "node:test";
import { plot } from "../src/charts/layers";
import type { Drawn } from "../src/charts/lines";

const line = (label: string, times: number[], values: (number | null)[]): Drawn => ({
  times,
  lines: [{ label, color: "--s1" }],
  values: [values],
});
const base = { stacked: false, interval: 10, band: null, over: [] };

test("an earlier time never breaks a line of now: what was not asked is undefined, not null", () => {
  const earlier = { kind: "earlier" as const, drawn: line("a", [5, 15], [1, 2]) };
  const { times, values, over } = plot({ ...base, drawn: line("a", [0, 10], [3, 4]), over: [earlier] });
  assert.deepEqual(times, [0, 5, 10, 15]);
  assert.deepEqual(values, [[3, undefined, 4, undefined]]);
  assert.deepEqual(over[0]?.cells, [undefined, 1, undefined, 2]);
});

test("a long silence is a null between two samples", () => {
  const { times, values } = plot({ ...base, drawn: line("a", [0, 10, 20, 200], [1, 2, 3, 4]) });
  assert.deepEqual(times, [0, 10, 20, 110, 200]);
  assert.deepEqual(values, [[1, 2, 3, null, 4]]);
});

test("a band belongs to the line of its label, and a stack has none", () => {
  const drawn = line("a", [0, 10], [3, 4]);
  const band = { low: line("a", [0, 10], [1, 1]), high: line("a", [0, 10], [9, 9]) };
  assert.deepEqual(plot({ ...base, drawn, band }).bands, [{ line: 0, low: [1, 1], high: [9, 9] }]);
  const other = { low: line("b", [0, 10], [1, 1]), high: line("b", [0, 10], [9, 9]) };
  assert.deepEqual(plot({ ...base, drawn, band: other }).bands, []);
  assert.deepEqual(plot({ ...base, stacked: true, drawn, band }).bands, []);
});

test("another line's times inside a hole belong to the hole, on both sides of its middle", () => {
  const earlier = {
    kind: "earlier" as const,
    drawn: line("a", [0, 30, 60, 90, 120, 150], [1, 1, 1, 1, 1, 1]),
  };
  const { times, values } = plot({
    ...base,
    drawn: line("a", [0, 10, 20, 30, 150], [3, 4, 4, 4, 5]),
    over: [earlier],
  });
  const inside = times.flatMap((time, row) => (time > 30 && time < 150 ? [values[0]?.[row]] : []));
  assert.ok(inside.length >= 4);
  assert.ok(inside.every((value) => value === null));
});
