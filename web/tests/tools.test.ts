// What is pressed, moved, marked and divided: the pure parts of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { brushed } from "../src/brush";
import { afterPress, only, onlyOver } from "../src/charts/isolate";
import type { Drawn } from "../src/charts/lines";
import { placed } from "../src/charts/marks";
import { isDivisible, perSize } from "../src/charts/per-size";
import { moved } from "../src/pages/fleet/moved";
import { skew } from "../src/versions";

const kLabels = ["a", "b", "c"];

function drawn(labels: readonly string[]): Drawn {
  return {
    times: [10, 20],
    lines: labels.map((label) => ({ label, color: "--s1" })),
    values: labels.map((_, index) => [index + 1, null]),
  };
}

test("a press shows one line, another press all", () => {
  const one = afterPress(null, kLabels, "b", false);
  assert.deepEqual([...(one ?? [])], ["b"]);
  assert.equal(afterPress(one, kLabels, "b", false), null);
  assert.deepEqual([...(afterPress(one, kLabels, "a", false) ?? [])], ["a"]);
});

test("with shift a line comes or goes, and none is as good as all", () => {
  assert.deepEqual([...(afterPress(null, kLabels, "b", true) ?? [])], ["a", "c"]);
  assert.deepEqual([...(afterPress(new Set(["a"]), kLabels, "b", true) ?? [])], ["a", "b"]);
  assert.equal(afterPress(new Set(["a", "b"]), kLabels, "c", true), null);
  assert.equal(afterPress(new Set(["a"]), kLabels, "a", true), null);
});

test("only the shown lines are left, and all where none of them is there", () => {
  const two = only(drawn(kLabels), new Set(["c", "a"]));
  assert.deepEqual(
    two.lines.map((line) => line.label),
    ["a", "c"],
  );
  assert.deepEqual(two.values, [
    [1, null],
    [3, null],
  ]);
  assert.equal(only(drawn(kLabels), new Set(["z"])).lines.length, 3);
});

test("the whole of a stack does not lie over one of its parts", () => {
  const over = [{ kind: "highest" as const, drawn: drawn(["highest"]) }];
  assert.equal(onlyOver(over, null).length, 1);
  assert.equal(onlyOver(over, new Set(["a"])).length, 0);
});

test("near marks are told together, and what lies outside is not", () => {
  const mark = (start: number, end: number | null = null) =>
    ({ start, end, kind: end === null ? "change" : "gap", text: `${start}` }) as const;
  const all = placed([mark(500), mark(505), mark(900), mark(100, 300), mark(2000)], { start: 0, end: 1000 });
  assert.deepEqual(
    all.map((one) => [one.kind, one.at, one.marks.length]),
    [
      ["gap", 0.2, 1],
      ["change", 0.5, 2],
      ["change", 0.9, 1],
    ],
  );
  const lasts = placed([mark(800, Number.POSITIVE_INFINITY)], { start: 0, end: 1000 });
  assert.equal(lasts[0]?.at, 0.9);
});

test("a column goes where it is put, and not beyond the ends", () => {
  assert.deepEqual(moved(["a", "b", "c"], "c", 0), ["c", "a", "b"]);
  assert.deepEqual(moved(["a", "b", "c"], "a", 9), ["b", "c", "a"]);
  assert.deepEqual(moved(["a", "b", "c"], "b", -1), ["b", "a", "c"]);
});

test("a host without a size has no line in proportion to it", () => {
  const half = perSize(drawn(kLabels), new Map([["b", 4]]));
  assert.deepEqual(half.values, [[0.5, null]]);
  assert.equal(isDivisible("percent"), false);
  assert.equal(isDivisible("bytes_per_second"), true);
});

test("versions that fit say nothing", () => {
  assert.equal(skew("1.0.3", "1.0.9"), null);
  assert.equal(skew(null, "1.0.0"), null);
  assert.equal(skew("curl", "1.0.0"), null);
  assert.match(skew("1.1.0", "1.0.0") ?? "", /newer/);
  assert.match(skew("0.9", "1.0.0") ?? "", /older/);
});

test("a press on the strip draws a window, or moves the one it takes hold of, and never beyond the range", () => {
  const whole = { start: 1000, end: 2000 };
  assert.deepEqual(brushed({ at: 1500, held: null }, 1200, whole), { start: 1200, end: 1500 });
  assert.deepEqual(brushed({ at: 1500, held: null }, 2500, whole), { start: 1500, end: 2000 });
  const held = { start: 1400, end: 1600 };
  assert.deepEqual(brushed({ at: 1500, held }, 1450, whole), { start: 1350, end: 1550 });
  assert.deepEqual(brushed({ at: 1500, held }, 900, whole), { start: 1000, end: 1200 });
  assert.deepEqual(brushed({ at: 1500, held }, 9000, whole), { start: 1800, end: 2000 });
});
