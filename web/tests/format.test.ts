import assert from "node:assert/strict";
import { test } from "node:test";
import * as format from "../src/format";

/** Narrow spaces as plain ones, so that expectations can be read. */
const plain = (text: string) => text.replaceAll("\u202f", " ");

test("percent keeps one decimal so that columns line up", () => {
  assert.equal(plain(format.percent(4.21)), "4.2 %");
  assert.equal(plain(format.percent(100)), "100.0 %");
  assert.equal(plain(format.percent(-0.001)), "0.0 %");
});

test("bytes climb the binary ladder and never show 1024 of a unit", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [1023, "1023 B"],
    [1023.7, "1.00 KiB"],
    [1024, "1.00 KiB"],
    [1023.9 * 1024, "1.00 MiB"],
    [5 * 2 ** 30, "5.00 GiB"],
    [41.68 * 2 ** 30, "41.7 GiB"],
    [500 * 2 ** 30, "500 GiB"],
    [3 * 2 ** 60, "3072 PiB"],
  ];
  for (const [value, text] of cases) assert.equal(plain(format.bytes(value)), text);
});

test("counts scale by thousands and whole small ones stay whole", () => {
  assert.equal(plain(format.count(4)), "4");
  assert.equal(plain(format.count(0.5)), "0.50");
  assert.equal(plain(format.count(12_345)), "12.3 k");
});

test("durations show their two largest parts", () => {
  const cases: [number, string][] = [
    [0, "0 s"],
    [59.9, "59 s"],
    [60, "1 min"],
    [3600, "1 h"],
    [12_000, "3 h 20 min"],
    [86_400 * 12 + 4 * 3600 + 59, "12 d 4 h"],
    [-5, "0 s"],
  ];
  for (const [value, text] of cases) assert.equal(plain(format.duration(value)), text);
});

test("seconds choose the unit that can be read", () => {
  assert.equal(plain(format.seconds(0.00035)), "350 µs");
  assert.equal(plain(format.seconds(0.0124)), "12.4 ms");
  assert.equal(plain(format.seconds(1.8)), "1.80 s");
  assert.equal(plain(format.seconds(0)), "0 s");
});

test("an age is counted from the aggregator's time; a clock that is ahead is now", () => {
  assert.equal(plain(format.age(100, 103.2)), "3 s ago");
  assert.equal(format.age(100, 99), "just now");
  assert.equal(format.age(null, 99), "never");
});

test("what was not measured is a dash, never a zero", () => {
  for (const value of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal(format.inUnit(value, "percent"), "–");
  }
  assert.equal(plain(format.inUnit(0, "percent")), "0.0 %");
});

test("ticks of an axis have the decimals that their distance needs", () => {
  assert.equal(plain(format.axis(2.5, "percent", 2.5)), "2.5 %");
  assert.equal(plain(format.axis(40, "percent", 20)), "40 %");
  assert.equal(plain(format.axis(0.8, "load", 0.2)), "0.8");
  assert.equal(plain(format.axis(4 * 2 ** 30, "bytes", 2 ** 30)), "4 GiB");
  assert.equal(plain(format.axis(1.5 * 2 ** 20, "bytes", 2 ** 19)), "1.5 MiB");
  assert.equal(plain(format.axis(512 * 2 ** 20, "bytes", 2 ** 29)), "512 MiB");
});

test("facts of any shape become text", () => {
  assert.equal(plain(format.fact("memory_bytes", 16 * 2 ** 30)), "16.0 GiB");
  assert.equal(format.fact("cores", 4), "4");
  assert.equal(format.fact("addresses", ["10.0.0.7", "fd00::7"]), "10.0.0.7, fd00::7");
  assert.equal(format.fact("mounts", { "/": { fstype: "ext4" } }), "/ fstype ext4");
  assert.equal(format.fact("kernel", null), "–");
  assert.equal(format.fact("reboot", false), "no");
});

test("a number and its unit stay on one line", () => {
  const text = "db01 iowait 31.0 % vs 2 MiB/s, 3 hosts";
  assert.equal(format.sentence(text), "db01 iowait 31.0\u202f% vs 2\u202fMiB/s, 3 hosts");
});
