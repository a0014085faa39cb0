// Builds the dashboard: `node build.mjs OUT_DIR` writes app.js, app.css, early.js, theme.js and icon.svg there, and
// licenses.txt with what their authors ask to be told of the libraries inside.
//
// A flat folder, because the server serves a fixed list of names and nothing else.
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

// The page must be light enough to open over a poor link during an incident.
const kMaxPageBytesGzip = 150_000;

const here = path.dirname(fileURLToPath(import.meta.url));
const outDir = process.argv[2];
if (!outDir) {
  process.stderr.write("usage: node build.mjs OUT_DIR\n");
  process.exit(64);
}
await mkdir(outDir, { recursive: true });

const common = {
  bundle: true,
  minify: true,
  target: ["es2022"],
  legalComments: "none",
  logLevel: "warning",
  absWorkingDir: here,
};
await build({
  ...common,
  entryPoints: { app: "src/main.tsx" },
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  outdir: path.resolve(outDir),
});
// theme.js runs before the first paint, and early.js as soon as it is there: classic scripts, and small.
await build({
  ...common,
  entryPoints: { theme: "src/theme-boot.ts", early: "src/early.ts" },
  format: "iife",
  outdir: path.resolve(outDir),
});
await copyFile(path.join(here, "src/icon.svg"), path.join(outDir, "icon.svg"));

const licenses = ["The dashboard contains these libraries."];
for (const name of ["preact", "@preact/signals", "@preact/signals-core", "uplot"]) {
  const folder = path.join(here, "node_modules", name);
  const { version } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
  licenses.push(`${name} ${version}\n\n${(await readFile(path.join(folder, "LICENSE"), "utf8")).trim()}`);
}
await writeFile(path.join(outDir, "licenses.txt"), `${licenses.join(`\n\n${"-".repeat(72)}\n\n`)}\n`);

let total = 0;
for (const name of ["app.js", "app.css", "early.js", "theme.js", "icon.svg"]) {
  total += gzipSync(await readFile(path.join(outDir, name))).length;
}
process.stdout.write(`dashboard: ${(total / 1000).toFixed(1)} kB gzip in ${outDir}\n`);
if (total > kMaxPageBytesGzip) {
  process.stderr.write(`dashboard: the page is heavier than ${kMaxPageBytesGzip / 1000} kB gzip\n`);
  process.exit(1);
}
