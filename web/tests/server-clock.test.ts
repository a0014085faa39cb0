import assert from "node:assert/strict";
import { test } from "node:test";
import { offsetAfter } from "../src/server-clock";

test("a message that was late moves no clock", () => {
  // Stamped at 100 and read at 107 by a page that was busy; both clocks are right.
  assert.equal(offsetAfter(0, 100, 107, null), 0);
  assert.equal(offsetAfter(0, 100, 107, 99), 0);
});

test("a clock that is behind is set by any message, one that is ahead by an answer that came soon", () => {
  assert.equal(offsetAfter(0, 100, 40, null), 60);
  assert.equal(offsetAfter(0, 100, 160, null), 0);
  assert.equal(offsetAfter(0, 100, 160, 159.5), -59.5);
});

test("what was known stays where the bounds allow it", () => {
  assert.equal(offsetAfter(59.8, 100, 41, 40), 59.8);
  assert.equal(offsetAfter(61, 100, 41, 40), 60);
});
