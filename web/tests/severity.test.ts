import assert from "node:assert/strict";
import { test } from "node:test";
import type { Host, HostStatus } from "../src/api-types";
import { severityOf, worstFirst, worstOf } from "../src/severity";

function host(hostname: string, status: HostStatus, latest: Record<string, number>): Host {
  const blank = { agent_id: null, first_seen: 0, clock_offset: 0, latest_tags: {}, tags: {}, version: null };
  return { hostname, status, last_seen: 0, interval: 10, ...blank, latest };
}

test("thresholds begin at their own value", () => {
  assert.equal(severityOf("cpu.total_usage", 79.9), 0);
  assert.equal(severityOf("cpu.total_usage", 80), 1);
  assert.equal(severityOf("cpu.total_usage", 95), 2);
});

test("what is absent or has no thresholds is not bad", () => {
  assert.equal(severityOf("disk.usage_percent", undefined), 0);
  assert.equal(severityOf("network.bytes_sent", 1e12), 0);
});

test("a host is as bad as its worst value", () => {
  assert.equal(worstOf(host("a", "online", { "cpu.total_usage": 10, "disk.usage_percent": 91 })), 2);
});

test("worst first: silence, then severity, then nearness to a limit, then name", () => {
  const hosts = [
    host("also-calm", "online", { "cpu.total_usage": 6 }),
    host("busy", "online", { "cpu.total_usage": 70 }),
    host("calm", "online", { "cpu.total_usage": 5 }),
    host("full", "online", { "disk.usage_percent": 95 }),
    host("gone", "offline", {}),
    host("late", "stale", {}),
  ];
  assert.deepEqual(
    worstFirst(hosts).map((one) => one.hostname),
    ["gone", "late", "full", "busy", "also-calm", "calm"],
  );
});
