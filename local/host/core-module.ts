import Module from "node:module";
import type {
  FunctionCallback,
  FunctionMetadata,
  HookCallback,
  HookData,
  HookName,
  LogCategory,
  LogLevel,
  ProgrammingModel,
} from "./core-types.ts";

const CORE_MODULE_ID = "@azure/functions-core";
const HOOK_NAMES: readonly string[] = ["appStart", "appTerminate", "preInvocation", "postInvocation", "log"];
/** What the core module reports; the library reads neither. */
const VERSIONS = { version: "3.14.1", hostVersion: "4.1052.200" };

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

/** What an app registered while its entry points were loaded. One app per process: the library keeps module state. */
export interface AppRegistry {
  readonly functions: RegisteredFunction[];
  readonly appHookData: HookData;
  readonly model: ProgrammingModel | undefined;
  hooks(name: HookName): readonly HookCallback[];
  /** After this, registering a function throws as it does in the worker. */
  lock(): void;
}

export type SystemLog = (level: LogLevel, category: LogCategory, message: string) => void;

class Disposable {
  readonly #dispose: () => void;
  constructor(dispose: () => void) {
    this.#dispose = dispose;
  }
  dispose(): void {
    this.#dispose();
  }
}

/**
 * Answers `require("@azure/functions-core")` in this process, as the real worker does by patching Module.prototype.require.
 * Must run before the app's first `app.*` call: the library latches "test mode" when the module is missing.
 */
export function installCoreModule(log: SystemLog): AppRegistry {
  const functions: RegisteredFunction[] = [];
  const callbacks = new Map<string, HookCallback[]>(HOOK_NAMES.map((name) => [name, []]));
  let model: ProgrammingModel | undefined;
  let locked = false;

  const core = {
    ...VERSIONS,
    Disposable,
    log,
    getProgrammingModel: () => model,
    setProgrammingModel(next: ProgrammingModel) {
      model = next;
    },
    registerFunction(metadata: FunctionMetadata, callback: FunctionCallback) {
      if (locked) throw systemError(new Error("A function can only be registered during app startup."));
      const id = metadata.functionId || metadata.name;
      const idOf = (entry: RegisteredFunction) => entry.metadata.functionId || entry.metadata.name;
      if (functions.some((entry) => idOf(entry) === id)) {
        throw systemError(new Error(`A function with id "${id}" has already been registered.`));
      }
      const entry = { metadata, callback };
      functions.push(entry);
      return new Disposable(() => {
        if (locked) throw systemError(new Error("A function can only be disposed during app startup."));
        remove(functions, entry);
      });
    },
    registerHook(name: string, callback: HookCallback) {
      const list = callbacks.get(name);
      // The library recognises this very error and turns it into advice to upgrade the host.
      if (!list) throw systemError(new RangeError(`Unrecognized hook "${name}"`));
      list.push(callback);
      return new Disposable(() => remove(list, callback));
    },
  };
  answerRequire(core);
  return {
    functions,
    appHookData: {},
    get model() {
      return model;
    },
    hooks: (name) => callbacks.get(name) ?? [],
    lock() {
      locked = true;
    },
  };
}

function answerRequire(core: object): void {
  const original = Module.prototype.require;
  Module.prototype.require = Object.assign(function (this: Module, id: string): unknown {
    return id === CORE_MODULE_ID ? core : original.call(this, id);
  }, original);
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}

function systemError<E extends Error>(error: E): E {
  return Object.assign(error, { isAzureFunctionsSystemError: true });
}
