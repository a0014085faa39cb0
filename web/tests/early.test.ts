import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { askEarly, getMetrics } from "../src/api";

const kWanted = { host: "web01", types: ["cpu.total_usage"], start: 1000, end: 2000, step: 10 };
const kFetch = globalThis.fetch;
let asked: string[] = [];

beforeEach(() => {
  asked = [];
  globalThis.sysmonEarly = undefined;
  globalThis.fetch = (path) => {
    asked.push(String(path));
    return Promise.resolve(new Response('{"series": []}'));
  };
});

afterEach(() => {
  globalThis.fetch = kFetch;
});

test("what was asked early is not asked again, and only once", async () => {
  askEarly(kWanted);
  await getMetrics(kWanted, undefined, true);
  assert.equal(asked.length, 1);
  await getMetrics(kWanted, undefined, true);
  assert.equal(asked.length, 2);
});

test("another question gets its own answer", async () => {
  askEarly(kWanted);
  await getMetrics({ ...kWanted, start: 1010 }, undefined, true);
  assert.equal(asked.length, 2);
});

test("a page that has asked first is not asked for again", async () => {
  await getMetrics(kWanted, undefined, true);
  askEarly(kWanted);
  assert.equal(asked.length, 1);
});
