import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Inside the repository, so that `require("@azure/functions")` finds the one that is installed. */
const ROOT = fileURLToPath(new URL("../../../node_modules/.cache/slipway-test-apps", import.meta.url));

export interface FixtureApp {
  readonly dir: string;
  remove(): Promise<void>;
}

/** Writes a small Functions app; `main.cjs` is its entry point unless `packageJson` says otherwise. */
export async function fixtureApp(app: {
  readonly files: Readonly<Record<string, string>>;
  readonly hostJson?: object;
  readonly packageJson?: object;
}): Promise<FixtureApp> {
  await mkdir(ROOT, { recursive: true });
  const dir = await mkdtemp(join(ROOT, "app-"));
  const files = {
    "package.json": JSON.stringify({ main: "main.cjs", ...app.packageJson }),
    "host.json": JSON.stringify({ version: "2.0", ...app.hostJson }),
    ...app.files,
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}
