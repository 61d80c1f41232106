import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type EngineName, engineNames } from "../engine/engine.ts";

export interface StartFlags {
  /** Run the demo to its end, print one line per image, stop. */
  readonly once: boolean;
  /** Build the bundle again after every change of src and restart the host with it. */
  readonly watch: boolean;
  /** Forget everything under `dir` first. */
  readonly fresh: boolean;
  /** Of the Functions host; 0 is any free one; absent: the one of last time, else 7071 if free, else any. */
  readonly port?: number;
  readonly engine?: EngineName;
  /** Absolute: where the twin keeps everything. */
  readonly dir: string;
}

export type ParsedFlags =
  | { readonly kind: "start"; readonly flags: StartFlags }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly message: string };

export const usage = `npm start -- [flags]     Slipway with a local ACR, registry, GitHub and Functions host, and a demo

  --once                 run the demo's wave to its end, print "image tag status digest" lines, stop
  --fresh                start over: remove everything kept under .local first
  --port <n>             port of the Functions host, 0 for any (default: last time's, else 7071)
  --engine <which>       docker, buildah or built-in (default: the first of them that works here)
  --watch                rebuild and restart the host after every change of src (npm run dev)
  --dir <folder>         keep everything there instead of in .local
  --help                 this text

While it runs, npm run twin -- COMMAND looks into it and makes it misbehave: npm run twin -- --help`;

/** What the command line asks for. A relative --dir counts from `cwd`; without one it is .local in the repository. */
export function parseFlags(
  argv: readonly string[],
  places: { readonly cwd: string; readonly root: string },
): ParsedFlags {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        once: { type: "boolean", default: false },
        watch: { type: "boolean", default: false },
        fresh: { type: "boolean", default: false },
        port: { type: "string" },
        engine: { type: "string" },
        dir: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) return { kind: "help" };
    const { once, watch, fresh, engine } = values;
    if (once && watch) return { kind: "wrong", message: "--once ends by itself, --watch never does: use one of them" };
    if (engine !== undefined && !isEngine(engine))
      return { kind: "wrong", message: `--engine ${engine}: there are ${engineNames.join(", ")}` };
    if (values.dir === "") return { kind: "wrong", message: "--dir needs a folder" };
    const dir = values.dir === undefined ? resolve(places.root, ".local") : resolve(places.cwd, values.dir);
    if (values.port !== undefined && !isPort(values.port))
      return { kind: "wrong", message: `--port ${values.port}: a port is a number from 0 to 65535` };
    return {
      kind: "start",
      flags: {
        once,
        watch,
        fresh,
        dir,
        ...(values.port === undefined ? {} : { port: Number(values.port) }),
        ...(engine === undefined ? {} : { engine }),
      },
    };
  } catch (error) {
    // Node adds advice about positional arguments after the first sentence; there are none here.
    return { kind: "wrong", message: (error as Error).message.split(". ")[0] ?? "" };
  }
}

function isEngine(text: string): text is EngineName {
  return (engineNames as readonly string[]).includes(text);
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
}
