// Builds the deployable bundle: dist/main.cjs is everything Azure (or the local host) loads besides host.json and package.json.
// One file because cold start is dominated by the number of files required.
//   node scripts/build.mjs            once
//   node scripts/build.mjs --watch    again after every change, one line each; ends when stdin does
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { build, context } from "esbuild";

const outfile = "dist/main.cjs";

/** Renamed into place, and only what differs: a host that starts meanwhile never reads half a bundle. */
const writeWhole = {
  name: "write-whole",
  setup(builder) {
    builder.onEnd(async ({ errors, outputFiles }) => {
      if (errors.length > 0) return;
      for (const { path, contents } of outputFiles) {
        if (
          await readFile(path).then(
            (before) => before.equals(contents),
            () => false,
          )
        )
          continue;
        await mkdir(dirname(path), { recursive: true });
        await writeFile(`${path}.${process.pid}`, contents);
        await rename(`${path}.${process.pid}`, path);
      }
      const main = outputFiles.find(({ path }) => path.endsWith(outfile));
      const sha256 = createHash("sha256").update(main.contents).digest("hex");
      console.log(`${relative(".", main.path)} ${(main.contents.length / 1024).toFixed(0)} KiB sha256:${sha256}`);
    });
  },
};

const options = {
  entryPoints: ["src/main.ts"],
  outfile,
  bundle: true,
  write: false,
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
  plugins: [writeWhole],
};

if (process.argv.includes("--watch")) {
  const watching = await context(options);
  await watching.watch();
  process.stdin.resume().once("end", () => process.exit(0));
} else {
  // What was wrong has been printed; the stack of esbuild's own code helps nobody.
  await build(options).catch(() => process.exit(1));
}
