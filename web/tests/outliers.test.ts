import assert from "node:assert/strict";
import { test } from "node:test";
import { median, outliers, quantile, usual } from "../src/outliers";

test("quantiles lie between neighbours in proportion", () => {
  assert.equal(quantile([1, 2, 3, 4, 5], 0.5), 3);
  assert.equal(quantile([1, 2], 0.1), 1.1);
  assert.equal(quantile([], 0.5), null);
  assert.equal(median([3, null, 1, undefined]), 2);
});

test("what is usual is told for every time, from who has a value", () => {
  assert.deepEqual(
    usual(2, [
      [1, null],
      [3, null],
      [5, 7],
    ]).middle,
    [3, 7],
  );
});

test("the host that is far away is named, the others are not", () => {
  const medians = new Map(Array.from({ length: 20 }, (_, index) => [`h${index}`, 20 + (index % 5)] as const));
  medians.set("h7", 71);
  const found = outliers(medians, 2);
  assert.deepEqual(
    found.map((one) => one.host),
    ["h7"],
  );
  assert.ok((found[0]?.distance ?? 0) > 10);
});

test("equal hosts and tiny differences have no outliers", () => {
  assert.deepEqual(
    outliers(
      new Map([
        ["a", 5],
        ["b", 5],
        ["c", 5.1],
      ]),
      2,
    ),
    [],
  );
  assert.deepEqual(outliers(new Map(), 2), []);
});
