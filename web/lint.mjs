// Runs biome over the dashboard: `node lint.mjs ci` checks, `node lint.mjs check --write` repairs what it can.
//
// The binary is taken from its platform's package: the wrapper package would put every platform into the lock file.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const biome = require.resolve(`@biomejs/cli-linux-${process.arch}/biome`);
const run = spawnSync(biome, [...process.argv.slice(2), "--error-on-warnings", "."], { stdio: "inherit" });
process.exitCode = run.status ?? 1;
