import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, matchesGlob, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { AppRegistry } from "./core-module.ts";
import { runHooks } from "./hooks.ts";

interface PackageJson {
  readonly main?: string;
  readonly type?: string;
}

/** What the Node worker tells the host it can do; the library adds to it (facts/functions-host.md §1.6). */
const WORKER_CAPABILITIES = {
  RawHttpBodyBytes: "true",
  RpcHttpTriggerMetadataRemoved: "true",
  RpcHttpBodyOnly: "true",
  IgnoreEmptyValuedRpcHttpHeaders: "true",
  UseNullableValueDictionaryForHttp: "true",
  WorkerStatus: "true",
  TypedDataCollection: "true",
  HandlesWorkerTerminateMessage: "true",
};

/**
 * Loads every entry point that package.json `main` matches, in order, then runs the appStart hooks and closes
 * registration. Any error while loading is an error of the start.
 */
export async function loadApp(appDir: string, registry: AppRegistry): Promise<void> {
  const packageJson = await readPackageJson(appDir);
  const files = await entryPoints(appDir, packageJson.main ?? "index.js");
  for (const file of files) await loadEntryPoint(join(appDir, file), packageJson.type);
  await runHooks(registry.hooks("appStart"), {
    functionAppDirectory: appDir,
    hookData: {},
    appHookData: registry.appHookData,
  });
  registry.lock();
  if (!registry.model || registry.functions.length === 0) {
    throw new Error(`${appDir}: loading ${files.join(", ")} registered no function with @azure/functions v4`);
  }
  const capabilities = await registry.model.getCapabilities({ ...WORKER_CAPABILITIES });
  if (capabilities.HttpUri) {
    throw new Error(
      "app.setup({ enableHttpStream: true }) is not supported by the local host: HTTP travels by RPC only",
    );
  }
}

async function readPackageJson(appDir: string): Promise<PackageJson> {
  const path = join(appDir, "package.json");
  try {
    return JSON.parse(await readFile(path, "utf8")) as PackageJson;
  } catch (cause) {
    throw new Error(`read ${path}`, { cause });
  }
}

async function entryPoints(appDir: string, main: string): Promise<string[]> {
  const pattern = main.replace(/^\.\//, "");
  if (!/[*?{[]/.test(pattern)) return [pattern];
  // Only the folder before the first wildcard is walked: the app root also holds node_modules.
  const fixed = pattern
    .slice(0, pattern.search(/[*?{[]/))
    .split("/")
    .slice(0, -1);
  const found = await readdir(join(appDir, ...fixed), { recursive: true });
  const files = found
    .filter((path) => !path.split(sep).includes("node_modules"))
    .map((path) => [...fixed, ...path.split(sep)].join("/"))
    .filter((path) => matchesGlob(path, pattern))
    .sort();
  if (files.length === 0) throw new Error(`package.json: no file matches main ${JSON.stringify(main)}`);
  return files;
}

async function loadEntryPoint(path: string, packageType: string | undefined): Promise<void> {
  const isModule = path.endsWith(".mjs") || (packageType === "module" && !path.endsWith(".cjs"));
  try {
    if (isModule) await import(pathToFileURL(path).href);
    else createRequire(path)(path);
  } catch (cause) {
    throw new Error(`load entry point ${path}`, { cause });
  }
}
