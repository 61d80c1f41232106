// Builds the deployable bundle: dist/main.cjs is everything Azure (or the local host) loads besides host.json and package.json.
// One file because cold start is dominated by the number of files required.
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { build } from "esbuild";

const outfile = "dist/main.cjs";
await build({
  entryPoints: ["src/main.ts"],
  outfile,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  minify: true,
  keepNames: true,
  sourcemap: "external",
  legalComments: "none",
  // Some dependencies are ES modules that ask where they are; in a CommonJS bundle nobody tells them.
  define: { "import.meta.url": "bundleUrl" },
  banner: { js: 'const bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
  // Supplied by the Functions worker at run time; not on npm.
  external: ["@azure/functions-core"],
  logLevel: "warning",
});
const { size } = await stat(outfile);
const sha256 = createHash("sha256")
  .update(await readFile(outfile))
  .digest("hex");
console.log(`${outfile} ${(size / 1024).toFixed(0)} KiB sha256:${sha256}`);
