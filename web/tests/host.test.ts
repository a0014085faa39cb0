import assert from "node:assert/strict";
import { test } from "node:test";
import { secondsUntilFull, slope } from "../src/forecast";
import { causeOfSilence, reasonText } from "../src/gaps";
import { joined } from "../src/pages/host/entries";
import { missingOf } from "../src/pages/host/not-collected";
import { kSections, sectionOf } from "../src/pages/host/sections";

const hours = Array.from({ length: 25 }, (_, hour) => hour * 3600);

test("growth is the median of slopes: one clean-up changes nothing", () => {
  const steady = hours.map((time) => time * 2);
  assert.equal(slope(hours, steady), 2);
  const cleaned = steady.map((value, index) => (index === 12 ? 0 : value));
  assert.equal(slope(hours, cleaned), 2);
  assert.equal(slope([0, 1, 2], [1, 2, 3]), null);
});

test("full is foretold only where it is in sight", () => {
  assert.equal(secondsUntilFull(7200, 2), 3600);
  assert.equal(secondsUntilFull(7200, 0), null);
  assert.equal(secondsUntilFull(7200, -1), null);
  assert.equal(secondsUntilFull(1e12, 1), null);
});

const gap = (start: number, end: number | null, text: string) => ({
  start,
  end,
  cause: "x",
  text,
  late: false,
});

test("a silence takes the cause that covers most of it", () => {
  const span = { start: 100, end: 200 };
  assert.equal(causeOfSilence(span, []), "no data");
  assert.equal(causeOfSilence(span, [gap(0, 90, "before")]), "no data");
  assert.equal(causeOfSilence(span, [gap(90, 120, "little"), gap(110, 190, "most")]), "most");
  assert.equal(causeOfSilence(span, [gap(150, null, "still so")]), "still so");
});

test("a reason that is new here is shown under its own name", () => {
  assert.equal(reasonText("some_new_reason"), "some new reason");
});

test("every metric has a section, also one that nobody knows", () => {
  assert.equal(sectionOf("diskio.read_bytes"), "disks");
  assert.equal(sectionOf("my_app.requests"), "other");
  assert.equal(new Set(kSections.map((one) => one.id)).size, kSections.length);
});

test("what is missing says why where the agent said so", () => {
  const metric = (type: string, value: number, tags = {}) => ({
    host: "a",
    type,
    tags,
    value,
    timestamp: 0,
    unit: "",
    rate: null,
  });
  const metrics = [
    metric("cpu.total_usage", 1),
    metric("agent.collector_up", 0, { collector: "raid", reason: "no mdstat" }),
  ];
  assert.deepEqual(
    missingOf(metrics, ["cpu.total_usage", "raid.state", "battery.charge_percent", "agent.x"]),
    [
      { name: "battery", reason: null },
      { name: "raid", reason: "no mdstat" },
    ],
  );
});

test("what came in pieces is told once, and what lies apart is not", () => {
  const late = (start: number, end: number) => ({ start, end, kind: "arrived_late", text: "" });
  const boot = { start: 650, end: null, kind: "boot", text: "the host booted" };
  assert.deepEqual(joined([late(0, 600), boot, late(610, 1200), late(1210, 1800), late(9000, 9100)]), [
    late(9000, 9100),
    boot,
    late(0, 1800),
  ]);
});
