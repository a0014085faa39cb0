import assert from "node:assert/strict";
import { test } from "node:test";
import type { Series } from "../src/api-types";
import { kFamilies } from "../src/charts/families";
import { gapAfter, toColumns } from "../src/series";

function series(type: string, tags: Record<string, string>, values: (number | null)[]): Series {
  return { host: "a", type, unit: "", kind: "gauge", tags, times: values.map((_, row) => 10 * row), values };
}

function family(id: string) {
  const found = kFamilies.find((one) => one.id === id);
  assert.ok(found);
  return found;
}

test("cpu modes are stacked in a fixed order and idle is not among them", () => {
  const drawn = family("cpu").draw(
    toColumns([
      series("cpu.iowait_percent", {}, [1, 2]),
      series("cpu.idle_percent", {}, [90, 80]),
      series("cpu.user_percent", {}, [5, 6]),
      series("cpu.steal_percent", {}, [0, 0]),
    ]),
  );
  assert.deepEqual(
    drawn.lines.map((line) => line.label),
    ["user", "iowait"],
  );
});

test("memory stacks used and cache up to what is not free", () => {
  const data = toColumns([
    series("memory.used_bytes", {}, [40, null]),
    series("memory.available_bytes", {}, [60, null]),
    series("memory.free_bytes", {}, [10, null]),
    series("memory.total_bytes", {}, [100, null]),
  ]);
  assert.deepEqual(family("memory").draw(data).values, [[40], [50]]);
  assert.equal(family("memory").top?.(data), 100);
});

test("loopback and loop devices are left out, idle ones too unless nothing else is there", () => {
  const net = family("network").draw(
    toColumns([
      series("network.bytes_recv", { interface: "lo" }, [9e9]),
      series("network.bytes_recv", { interface: "eth0" }, [10]),
      series("network.bytes_sent", { interface: "eth0" }, [20]),
      series("network.bytes_recv", { interface: "docker0" }, [0]),
    ]),
  );
  assert.deepEqual(
    net.lines.map((line) => line.label),
    ["eth0 in", "eth0 out"],
  );
  const disk = family("diskio").draw(toColumns([series("diskio.read_bytes", { device: "vda" }, [0])]));
  assert.deepEqual(
    disk.lines.map((line) => line.label),
    ["vda read"],
  );
});

test("more devices than can be told apart are added up as other", () => {
  const many = Array.from({ length: 10 }, (_, index) =>
    series("diskio.read_bytes", { device: `sd${index}` }, [index + 1]),
  );
  const drawn = family("diskio").draw(toColumns(many));
  assert.deepEqual(
    drawn.lines.map((line) => line.label),
    ["sd9 read", "sd8 read", "sd7 read", "other (7) read"],
  );
  assert.deepEqual(drawn.values.at(-1), [1 + 2 + 3 + 4 + 5 + 6 + 7]);
});

test("pressure takes the ten second window only", () => {
  const drawn = family("pressure").draw(
    toColumns([
      series("pressure.cpu_some_percent", { window: "300s" }, [1]),
      series("pressure.cpu_some_percent", { window: "10s" }, [2]),
    ]),
  );
  assert.deepEqual(drawn.values, [[2]]);
});

test("a metric that is read once a minute is not full of gaps", () => {
  assert.equal(gapAfter([0, 60, 120, 180], 10), 150);
  assert.equal(gapAfter([0, 10, 20], 10), 25);
  assert.equal(gapAfter([], 10), 25);
});
