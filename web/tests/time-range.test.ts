import assert from "node:assert/strict";
import { test } from "node:test";
import { asCli, asCurl, shellQuote } from "../src/commands";
import { parseMoment, parseRange, parseSpan, spanText } from "../src/time-range";

const kNow = 1_800_000_000;
const range = (query: string) => parseRange(new URLSearchParams(query), kNow);

test("spans are read and written the same way", () => {
  for (const text of ["90s", "15m", "6h", "7d"]) assert.equal(spanText(parseSpan(text) ?? 0), text);
  assert.equal(parseSpan("soon"), null);
  assert.equal(spanText(90), "90s");
});

test("a moment is now, before now, seconds or ISO 8601", () => {
  assert.equal(parseMoment("now", kNow), kNow);
  assert.equal(parseMoment("now-6h", kNow), kNow - 21600);
  assert.equal(parseMoment("1799999000", kNow), 1799999000);
  assert.equal(parseMoment("2026-01-02T03:04:05Z", kNow), Date.UTC(2026, 0, 2, 3, 4, 5) / 1000);
  assert.equal(parseMoment("yesterday", kNow), null);
});

test("presets and from=now-… are live, other windows stand still", () => {
  assert.deepEqual(range("range=7d"), { name: "7d", seconds: 604800, fixed: null });
  assert.deepEqual(range("from=now-2h&to=now"), { name: "2h", seconds: 7200, fixed: null });
  const { fixed, seconds } = range("from=1799990000&to=1799993600");
  assert.deepEqual([fixed, seconds], [{ start: 1799990000, end: 1799993600 }, 3600]);
});

test("what cannot be a range is the usual hour", () => {
  for (const query of ["range=9000y", "from=x", "from=1799993600&to=1799990000", ""])
    assert.equal(range(query).name, "1h");
});

test("a question becomes a line that a shell takes as it is meant", () => {
  const question = {
    hosts: ["web01", "$(x)"],
    types: ["disk.*"],
    start: kNow - 7200,
    end: kNow - 3600,
    step: 60,
  };
  assert.equal(
    asCli(question, kNow),
    "sysmon metrics query 'disk.*' --host web01 --since 2h --until 1h --step 1m\n" +
      "sysmon metrics query 'disk.*' --host '$(x)' --since 2h --until 1h --step 1m",
  );
  assert.equal(shellQuote("it's"), "'it'\\''s'");
  assert.equal(asCurl("http://a/b?c=d&e=f"), "curl -s 'http://a/b?c=d&e=f'");
});
