import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "../src/backoff";

test("waits grow, stay within half and whole of their ceiling, and end at 30 s", () => {
  assert.equal(backoffMs(0, 0), 250);
  assert.equal(backoffMs(0, 1), 500);
  assert.equal(backoffMs(3, 0), 2000);
  assert.equal(backoffMs(50, 1), 30_000);
});
