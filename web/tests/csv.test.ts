import assert from "node:assert/strict";
import { test } from "node:test";
import { toCsv } from "../src/csv";

test("cells are quoted where they must be, and what is absent is empty", () => {
  assert.equal(
    toCsv(
      ["a", "b"],
      [
        ["x,y", 'say "hi"'],
        [null, -1.5],
      ],
    ),
    'a,b\r\n"x,y","say ""hi"""\r\n,-1.5\r\n',
  );
});

test("a hostile name does not become a formula", () => {
  assert.equal(toCsv(["name"], [["=cmd()"], ["@x"], ["-1"]]), "name\r\n'=cmd()\r\n'@x\r\n'-1\r\n");
});
