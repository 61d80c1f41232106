import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type PortName, portNames } from "../ports.ts";

/** Those of the twin alone, which has no Functions host. */
export const twinPortNames = portNames.filter((name): name is TwinPortName => name !== "functions");
type TwinPortName = Exclude<PortName, "functions">;

/** Every option there is; each command names those it takes. */
const options = {
  dir: { type: "string" },
  help: { type: "boolean", short: "h" },
  fresh: { type: "boolean" },
  engine: { type: "string" },
  "clock-scale": { type: "string" },
  ...(Object.fromEntries(twinPortNames.map((name) => [`port-${name}`, { type: "string" }])) as Record<
    `port-${TwinPortName}`,
    { type: "string" }
  >),
  from: { type: "string" },
  text: { type: "string" },
  times: { type: "string" },
  seconds: { type: "string" },
  status: { type: "string" },
  "retry-after": { type: "string" },
  on: { type: "string" },
  method: { type: "string" },
  run: { type: "string" },
  follow: { type: "boolean" },
} as const;

export type OptionName = keyof typeof options;

export interface CommandLine {
  /** Absent: start the twin. */
  readonly command?: string;
  readonly words: readonly string[];
  readonly values: Readonly<Partial<Record<OptionName, string | boolean>>>;
  /** Absolute: the twin's folder. */
  readonly dir: string;
}

/** Throws a sentence about what is wrong. A relative --dir counts from `cwd`; without one it is .local in the repository. */
export function readCommandLine(
  argv: readonly string[],
  places: { readonly cwd: string; readonly root: string },
): CommandLine {
  const { values, positionals } = parse(argv);
  const [command, ...words] = positionals;
  const { dir } = values;
  if (dir === "") throw new UsageError("--dir needs a folder");
  return {
    ...(command !== undefined && { command }),
    words,
    values,
    dir: dir === undefined ? resolve(places.root, ".local") : resolve(places.cwd, dir),
  };
}

/** The command line asks for something that there is not. */
export class UsageError extends Error {}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message.split(". ")[0] ?? "");
  }
}
