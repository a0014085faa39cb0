// Rules of the house that no type can hold.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

// npm runs scripts in the folder of package.json.
const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => ({ name, text: readFileSync(`src/${name}`, "utf8") }));

const having = (pattern: RegExp) => sources.filter(({ text }) => pattern.test(text)).map(({ name }) => name);

test("only api.ts talks to the network", () => {
  assert.deepEqual(having(/\bfetch\(|\bnew WebSocket\b|\bXMLHttpRequest\b|\bEventSource\b|\bsendBeacon\b/), [
    "api.ts",
  ]);
});

test("no text ever becomes markup", () => {
  assert.deepEqual(
    having(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML|\beval\(/),
    [],
  );
});

test("only charts/uplot.ts makes charts", () => {
  assert.deepEqual(having(/import uPlot from/), ["charts/uplot.ts"]);
});

test("the lock file names no registry", () => {
  assert.equal(readFileSync("package-lock.json", "utf8").includes('"resolved"'), false);
});
