import { createRequire } from "node:module";
import { lockLocation } from "./azurite-lock.ts";

/**
 * Azurite in a process of its own that outlives its parent just long enough to save. Azurite writes its databases every 5 s
 * and when it stops; run as a plain child it would lose acknowledged writes when the parent is killed. So this process sits in
 * its own session, notices the parent's death by its IPC channel, and stops Azurite in order.
 *
 * argv: Azurite's own arguments. Messages to the parent: {ready: {blob, queue, table}} or {error}.
 */
const AUTOSAVE_MILLISECONDS = 500;
const SERVICES = ["Blob", "Queue", "Table"] as const;

interface Loki {
  configureOptions(options: Record<string, unknown> | undefined, initial?: boolean): void;
  /** Calls back once no save is under way. */
  throttledSaveDrain(callback: () => void): void;
}

const require = createRequire(import.meta.url);
const azuriteArguments = process.argv.slice(2);
const urls = new Map<string, string>();
const closed = new Set<string>();
const databases = new Set<Loki>();
let ready = false;
let unlock = (): void => {};

process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
// Azurite listens once: without this a second signal, such as the parent's exit right after its stop, would kill it while it
// saves. Before it listens, nobody knows its ports and there is nothing to save.
process.on("SIGTERM", () => {
  if (!ready) leave();
});
// Inherited from a parent that may be gone.
process.stderr.on("error", () => {});

try {
  const location = argumentOf("--location");
  if (location !== undefined) unlock = await lockLocation(location);
  // The parent may have gone while this waited for the folder.
  if (!process.connected) leave();
  saveMoreOften();
  watchAzurite();
  process.argv.splice(1, process.argv.length, require.resolve("azurite/dist/src/azurite.js"), ...azuriteArguments);
  require("azurite/dist/src/azurite.js");
} catch (error) {
  tellParent({ error: (error as Error).message });
  leave(1);
}

/** Narrows the window that is lost when this process itself is killed. Loki saves only what has changed. */
function saveMoreOften(): void {
  const azuriteRequire = createRequire(require.resolve("azurite/dist/src/azurite.js"));
  const prototype = (azuriteRequire("lokijs") as { prototype: Loki }).prototype;
  const original = prototype.configureOptions;
  prototype.configureOptions = function (this: Loki, options, initial) {
    const faster =
      options && "autosaveInterval" in options ? { ...options, autosaveInterval: AUTOSAVE_MILLISECONDS } : options;
    databases.add(this);
    original.call(this, faster, initial);
  };
}

/** Azurite tells by its console when a service listens and when it has saved and closed. */
function watchAzurite(): void {
  // Some time passes between its last such line and the moment from which it can be stopped in order.
  process.on("newListener", (event) => {
    if (event !== "SIGTERM") return;
    ready = true;
    tellParent({ ready: { blob: urls.get("Blob"), queue: urls.get("Queue"), table: urls.get("Table") } });
  });
  console.log = (message: unknown) => {
    const text = String(message);
    const listening = /^Azurite (\w+) service is successfully listening at (\S+)$/.exec(text);
    if (listening?.[1] && listening[2]) urls.set(listening[1], listening[2]);
    const ended = /^Azurite (\w+) service successfully closed$/.exec(text);
    if (ended?.[1]) closed.add(ended[1]);
    if (SERVICES.every((service) => closed.has(service))) void savesDone().then(() => leave());
  };
  console.error = (message: unknown) => tellParent({ error: String(message) });
}

/** Closing does not wait for an autosave that had already begun. */
async function savesDone(): Promise<void> {
  await Promise.all([...databases].map((database) => new Promise<void>((done) => database.throttledSaveDrain(done))));
}

function tellParent(message: object): void {
  if (process.connected) process.send?.(message, () => {});
}

function leave(code = 0): never {
  unlock();
  process.exit(code);
}

function argumentOf(flag: string): string | undefined {
  const at = azuriteArguments.indexOf(flag);
  return at < 0 ? undefined : azuriteArguments[at + 1];
}
