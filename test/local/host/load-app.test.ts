import { afterEach, describe, expect, test } from "vitest";
import type { AppRegistry, RegisteredFunction } from "../../../local/host/core-module.ts";
import type { HookData, ProgrammingModel } from "../../../local/host/core-types.ts";
import { loadApp } from "../../../local/host/load-app.ts";
import { type FixtureApp, fixtureApp } from "./fixture-app.ts";

let app: FixtureApp | undefined;
afterEach(() => app?.remove());

/** What an app would have registered, so that this process stays free of the library's module state. */
function registryOf(capabilities: Record<string, string>, functions: RegisteredFunction[] = [one]) {
  const events: string[] = [];
  const model: ProgrammingModel = {
    name: "test",
    version: "1",
    getInvocationModel() {
      throw new Error("not asked for here");
    },
    getCapabilities(given) {
      events.push(`capabilities ${given.RawHttpBodyBytes}`);
      return { ...given, ...capabilities };
    },
  };
  const registry: AppRegistry = {
    functions,
    model,
    appHookData: {},
    hooks: (name) =>
      name === "appStart" ? [(context: HookData) => events.push(`appStart ${context.functionAppDirectory}`)] : [],
    lock: () => events.push("lock"),
  };
  return { registry, events };
}

const one: RegisteredFunction = { metadata: { name: "one", bindings: {} }, callback() {} };

describe("loadApp", () => {
  test("runs appStart hooks after loading, closes registration, then asks for capabilities", async () => {
    app = await fixtureApp({ files: { "main.cjs": "" } });
    const { registry, events } = registryOf({});
    await loadApp(app.dir, registry);
    expect(events).toEqual([`appStart ${app.dir}`, "lock", "capabilities true"]);
  });

  test("refuses HTTP streaming", async () => {
    app = await fixtureApp({ files: { "main.cjs": "" } });
    await expect(loadApp(app.dir, registryOf({ HttpUri: "http://localhost:1/" }).registry)).rejects.toThrow(
      /enableHttpStream/,
    );
  });

  test("refuses an app that registered nothing", async () => {
    app = await fixtureApp({ files: { "main.cjs": "" } });
    await expect(loadApp(app.dir, registryOf({}, []).registry)).rejects.toThrow(/registered no function/);
  });

  test("refuses a glob that matches no file, node_modules left out", async () => {
    app = await fixtureApp({ packageJson: { main: "{src/**,**/x}/*.js" }, files: { "node_modules/x/a.js": "" } });
    await expect(loadApp(app.dir, registryOf({}).registry)).rejects.toThrow(/no file matches main/);
  });

  test("passes a load error on with the entry point's path", async () => {
    app = await fixtureApp({ files: { "main.cjs": "require('./missing.cjs')" } });
    await expect(loadApp(app.dir, registryOf({}).registry)).rejects.toThrow(`load entry point ${app.dir}/main.cjs`);
  });
});
