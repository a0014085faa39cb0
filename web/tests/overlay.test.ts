import assert from "node:assert/strict";
import { test } from "node:test";
import { overlay, type Subject } from "../src/charts/overlay";
import { toColumns } from "../src/series";

function columns(host: string, type: string, ...parts: [Record<string, string>, number[]][]) {
  return toColumns(
    parts.map(([tags, values]) => ({
      host,
      type,
      unit: "",
      kind: "",
      tags,
      times: values.map((_, row) => 10 * row),
      values,
    })),
  );
}

function subject(type: string, unit: string, tags: Record<string, string> = {}): Subject {
  return { title: type, type, unit, tags, leastTop: 1 };
}

test("devices of a host are added up, loopback left out", () => {
  const data = columns(
    "a",
    "network.bytes_recv",
    [{ interface: "eth0" }, [1, 2]],
    [{ interface: "wlan0" }, [10, 20]],
    [{ interface: "lo" }, [900, 900]],
  );
  assert.deepEqual(overlay(subject("network.bytes_recv", "bytes_per_second"), ["a"], [data]).values, [
    [11, 22],
  ]);
});

test("of percentages the worst stands for the host", () => {
  const data = columns(
    "a",
    "diskio.utilization_percent",
    [{ device: "sda" }, [60, 10]],
    [{ device: "sdb" }, [50, 70]],
  );
  assert.deepEqual(overlay(subject("diskio.utilization_percent", "percent"), ["a"], [data]).values, [
    [60, 70],
  ]);
});

test("a tag that the comparison names must match", () => {
  const data = columns(
    "a",
    "disk.usage_percent",
    [{ mountpoint: "/", device: "sda1" }, [40]],
    [{ mountpoint: "/var", device: "sda2" }, [90]],
  );
  assert.deepEqual(
    overlay(subject("disk.usage_percent", "percent", { mountpoint: "/" }), ["a"], [data]).values,
    [[40]],
  );
});

test("hosts keep their colour when one of them has nothing to show", () => {
  const data = columns("b", "cpu.total_usage", [{}, [5]]);
  const drawn = overlay(subject("cpu.total_usage", "percent"), ["a", "b"], [toColumns([]), data]);
  assert.deepEqual(drawn.lines, [{ label: "b", color: "--s2", dashed: true }]);
});
