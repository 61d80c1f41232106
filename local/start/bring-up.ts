import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import type { View } from "../screen/view.ts";
import type { Twin } from "../twin.ts";
import type { Board } from "./board.ts";
import { buildBundle, watchBundle } from "./bundle.ts";
import type { StartFlags } from "./flags.ts";
import { HostLog } from "./host-log.ts";
import type { PidFile } from "./pid-file.ts";
import { superviseHost } from "./supervise-host.ts";

export interface Parts {
  readonly twin: Twin;
  /** An earlier start has been here. */
  readonly known: boolean;
  /** Stops everything in order; again is harmless. */
  takeDown(): Promise<void>;
}

/** Builds the bundle and starts the twin side by side; from then on the host is started again whenever it ends. */
export async function bringUp(stage: {
  readonly flags: StartFlags;
  readonly root: string;
  readonly pidFile: PidFile;
  readonly board: Board;
}): Promise<Parts> {
  const { flags, root, pidFile, board } = stage;
  const known = existsSync(join(flags.dir, "endpoints.json"));
  const log = new HostLog(join(flags.dir, "host.log"));
  board.set({ starting: "the app's bundle, and what it needs" });
  let onRebuilt = (): void => {};
  const bundle = flags.watch
    ? watchBundle(root, {
        onRebuilt: () => onRebuilt(),
        onProblem: (text) => board.notice(`src does not build, the host stays as it is: ${text}`),
      })
    : { first: buildBundle(root), stop: () => {} };
  // Judged where it is awaited; a failure of another part must not leave this one unhandled.
  bundle.first.catch(() => {});
  try {
    // Loading it takes a second, in which the bundle is being built.
    const { startTwin } = await import("../twin.ts");
    const twin = await startTwin({
      dir: flags.dir,
      appDir: root,
      appReady: bundle.first,
      ...(flags.port === undefined ? {} : { ports: { functions: flags.port } }),
      ...(flags.engine === undefined ? {} : { engine: flags.engine }),
      onProgress: (what) => board.set({ starting: what }),
      onLog: (entry) => {
        log.write(entry);
        if (log.errors > 0) board.set({ errorLog: relative(process.cwd(), log.path) });
      },
    });
    const recordHost = (pid: number) => pidFile.recordChild("Functions host", pid);
    pidFile.recordChild("Azurite", twin.azurite.pid);
    recordHost(twin.host().pid);
    const supervisor = superviseHost(twin, {
      onNotice: (text) => board.notice(text),
      onStarted: ({ pid }) => recordHost(pid),
    });
    onRebuilt = () => {
      board.notice("src was built again; the host restarts with it");
      void supervisor.restart();
    };
    board.set({ engine: await describeEngine(twin, flags.dir), registry: twin.registry.loginServer });
    return {
      twin,
      known,
      takeDown: async () => {
        bundle.stop();
        await supervisor.release();
        await twin.stop();
      },
    };
  } catch (error) {
    bundle.stop();
    throw error;
  }
}

/** Which engine, why, and whether this machine lets it execute RUN. */
async function describeEngine(twin: Twin, dir: string): Promise<NonNullable<View["engine"]>> {
  const { engine, why } = twin.engine;
  if (engine.name !== "built-in") return { name: engine.name, why };
  const { findSandbox } = await import("../engine/built-in/sandbox.ts");
  const sandbox = await findSandbox(join(dir, "engine"));
  if (!("impossible" in sandbox)) return { name: engine.name, why };
  const warning =
    `RUN and test cannot be executed here without Docker (${sandbox.impossible}): the demo's runs will fail and say so. ` +
    "Start Docker, or use Linux as root or with user namespaces.";
  return { name: engine.name, why, warning };
}
