import assert from "node:assert/strict";
import { test } from "node:test";
import type { Series } from "../src/api-types";
import {
  appendTail,
  lowerBound,
  newest,
  silences,
  stacked,
  stepFor,
  summarise,
  toColumns,
  withGaps,
  withoutCatchUp,
} from "../src/series";

function series(type: string, times: number[], values: (number | null)[], tags = {}): Series {
  return { host: "a", type, unit: "percent", kind: "gauge", tags, times, values };
}

test("series with their own times are put on the union of times", () => {
  const data = toColumns([series("x", [10, 30], [1, 3]), series("y", [20, 30], [2, 4])]);
  assert.deepEqual(data.times, [10, 20, 30]);
  assert.deepEqual(
    data.columns.map((column) => column.values),
    [
      [1, null, 3],
      [null, 2, 4],
    ],
  );
});

test("a tail replaces the cell that was still filling and drops what is too old", () => {
  const old = toColumns([series("x", [10, 20, 30], [1, 2, 3])]);
  const joined = appendTail(old, toColumns([series("x", [30, 40], [3.5, 4])]), 30, 20);
  assert.deepEqual(joined.times, [20, 30, 40]);
  assert.deepEqual(joined.columns[0]?.values, [2, 3.5, 4]);
});

test("a series that appears late is absent before, one that ends is absent after", () => {
  const old = toColumns([series("x", [10, 20], [1, 2])]);
  const joined = appendTail(old, toColumns([series("y", [30], [9])]), 30, 0);
  assert.deepEqual(joined.times, [10, 20, 30]);
  assert.deepEqual(
    joined.columns.map((column) => [column.type, column.values]),
    [
      ["x", [1, 2, null]],
      ["y", [null, null, 9]],
    ],
  );
});

test("a tail after everything has aged out leaves only the tail", () => {
  const old = toColumns([series("x", [10, 20], [1, 2])]);
  const joined = appendTail(old, toColumns([series("x", [90], [9])]), 80, 50);
  assert.deepEqual(joined.times, [90]);
  assert.deepEqual(joined.columns[0]?.values, [9]);
});

test("an empty cell by jitter is closed, a real silence stays open", () => {
  const data = toColumns([
    series("x", [0, 10, 20, 30, 40, 50, 60, 70], [1, 2, null, 4, null, null, null, 8]),
  ]);
  const shown = withGaps(data, 25);
  assert.deepEqual(shown.times, [0, 10, 30, 50, 70]);
  assert.deepEqual(shown.columns[0]?.values, [1, 2, 4, null, 8]);
});

test("one series that stopped stays open while another goes on", () => {
  const data = toColumns([series("x", [0, 10, 20], [1, null, 3]), series("y", [0, 10, 20], [1, 2, 3])]);
  assert.deepEqual(withGaps(data, 25).columns[0]?.values, [1, null, 3]);
});

test("silences are found inside, before and after the samples", () => {
  assert.deepEqual(silences([100, 110, 200], 0, 300, 30), [
    [0, 100],
    [110, 200],
    [200, 300],
  ]);
  assert.deepEqual(silences([10, 20, 30], 0, 40, 30), []);
});

test("a stack counts a missing part as nothing, and a missing whole as missing", () => {
  assert.deepEqual(
    stacked([
      [1, null, null],
      [2, 5, null],
    ]),
    [
      [1, 0, null],
      [3, 5, null],
    ],
  );
});

test("the step follows the ladder and is never finer than the host's interval", () => {
  assert.equal(stepFor(900, 360, 10), 10);
  assert.equal(stepFor(3600, 360, 10), 10);
  assert.equal(stepFor(86_400, 360, 10), 300);
  assert.equal(stepFor(900, 360, 60), 60);
  assert.equal(stepFor(900, 360, 0.25), 5);
});

test("lowerBound finds the first time that is not earlier", () => {
  assert.equal(lowerBound([10, 20, 30], 20), 1);
  assert.equal(lowerBound([10, 20, 30], 21), 2);
  assert.equal(lowerBound([], 1), 0);
});

test("a summary skips what is missing and says nothing of nothing", () => {
  assert.deepEqual(summarise([1, 2, 3], [1, null, 3]), { average: 2, lowest: 1, highest: 3, highestAt: 3 });
  assert.equal(summarise([1], [null]), null);
});

test("the newest value may be a cell behind its neighbours, but not a silence", () => {
  assert.equal(newest([0, 10, 20], [1, 2, null], 25), 2);
  assert.equal(newest([0, 10, 20, 30, 40], [1, null, null, null, null], 25), null);
  assert.equal(newest([], [], 25), null);
});

test("what lies before the first sample is no silence of a host that was not known", () => {
  assert.deepEqual(silences([100, 110], 100, 120, 30), []);
  assert.deepEqual(silences([100, 110, 200], 190, 210, 30), [[110, 200]]);
});

test("the first rate after a silence is the silence's, and is not drawn as a spike", () => {
  const counter = { ...series("x", [0, 10, 20, 200, 210], [1, 1, 1, 90, 1]), kind: "counter" };
  const slow = { ...series("y", [0, 60, 120, 180], [1, 2, 3, 4]), kind: "counter" };
  const gauge = series("z", [0, 200], [5, 6]);
  const columns = withoutCatchUp(toColumns([counter, slow, gauge]), 10).columns;
  const there = (index: number) => (columns[index]?.values ?? []).filter((value) => value !== null);
  assert.deepEqual(there(0), [1, 1, 1, 1]);
  assert.deepEqual(there(1), [1, 2, 3, 4]);
  assert.deepEqual(there(2), [5, 6]);
});
