import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type PortName, portNames } from "../ports.ts";

/** Those of the twin alone, which has no Functions host. */
export const twinPortNames = portNames.filter((name): name is TwinPortName => name !== "functions");
type TwinPortName = Exclude<PortName, "functions">;

/** Every option there is. */
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

/** Those of each command, and of none, which starts the twin; all take --dir too. */
const taken = new Map<string, readonly OptionName[]>([
  ["", ["fresh", "engine", "clock-scale", ...twinPortNames.map((name) => `port-${name}` as const)]],
  ["push", ["from", "text"]],
  ["fault", ["times", "seconds", "status", "retry-after", "on", "method", "run"]],
  ["ledger", ["follow"]],
  ...["env", "ls", "cat", "pull", "kill", "recreate"].map((name) => [name, []] as const),
]);

export function optionsOf(command: string): readonly OptionName[] {
  return ["dir", ...(taken.get(command) ?? [])];
}

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
  const config = { args: [...argv], options, allowPositionals: true } as const;
  try {
    return parseArgs(config);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Node adds advice about positional arguments after the first sentence.
    const what = message.split(". ")[0] ?? "";
    if (code !== "ERR_PARSE_ARGS_UNKNOWN_OPTION") throw new UsageError(what);
    // What follows an option that nobody knows may be its value, so the first word need not be the command.
    const { positionals } = parseArgs({ ...config, strict: false });
    const first = argv[0]?.startsWith("-") ? "" : String(argv[0]);
    const command = positionals.find((word) => taken.has(word)) ?? first;
    throw new UsageError(taken.has(command) ? `${what}; ${takes(command)}` : what);
  }
}

/** What helps on whoever wrote an option that is not taken. */
export function takes(command: string): string {
  const names = optionsOf(command).map((name) => `--${name}`);
  return `${command || "npm run twin"} takes ${names.join(", ")}`;
}
