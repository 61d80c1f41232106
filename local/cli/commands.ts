import { createWriteStream } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { faultTable, parts } from "../admin/fault-table.ts";
import type { LedgerLine } from "../admin/merged-ledger.ts";
import type { ImageFile } from "../engine/read-image.ts";
import { environmentLines } from "./environment.ts";
import { type CommandLine, optionsOf, takes, UsageError } from "./options.ts";
import { RunningTwin } from "./running-twin.ts";

export interface Surroundings {
  readonly out: Writable;
  /** Where relative paths count from. */
  readonly cwd: string;
  /** Ends what would go on for ever. */
  readonly stop?: AbortSignal;
}

interface Command {
  /** The words after its name, as people read them. */
  readonly usage: string;
  readonly says: string;
  /** How many words it takes, at least and at most. */
  readonly words: readonly [least: number, most: number];
  run(twin: RunningTwin, line: CommandLine, around: Surroundings): Promise<void>;
}

const ofImage = (image: string) => `image=${encodeURIComponent(image)}`;

export const commands: Readonly<Record<string, Command>> = {
  env: {
    usage: "",
    says: 'lines for a shell: eval "$(npm run -s twin -- env)"',
    words: [0, 0],
    async run(twin, _, { out }) {
      // Of one that has stopped, the file is still there: its addresses would mislead.
      await twin.ask("/faults");
      out.write(environmentLines(twin.endpoints));
    },
  },
  ls: {
    usage: "IMAGE [PATH]",
    says: "list the files of an image",
    words: [1, 2],
    async run(twin, { words: [image = "", under = ""] }, { out }) {
      const files = (await (await twin.ask(`/images/files?${ofImage(image)}`)).json()) as (ImageFile & {
        path: string;
      })[];
      const folder = under.replace(/^\/+|\/+$/g, "");
      const shown = files.filter(({ path }) => folder === "" || path === folder || path.startsWith(`${folder}/`));
      if (shown.length === 0) throw new Error(`there is no ${under || "file"} in ${image}`);
      shown.sort((a, b) => (a.path < b.path ? -1 : 1));
      out.write(shown.map((file) => `${describe(file)}\n`).join(""));
    },
  },
  cat: {
    usage: "IMAGE PATH",
    says: "print a file of an image",
    words: [2, 2],
    async run(twin, { words: [image = "", path = ""] }, { out }) {
      const answer = await twin.ask(`/images/file?${ofImage(image)}&path=${encodeURIComponent(path)}`);
      out.write(Buffer.from(await answer.arrayBuffer()));
    },
  },
  pull: {
    usage: "IMAGE TO",
    says: "save an image's file system: TO.tar, or an empty or new folder",
    words: [2, 2],
    async run(twin, { words: [image = "", to = ""] }, { out, cwd }) {
      const answer = await twin.ask(`/images/root?${ofImage(image)}`);
      const archive = Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0]);
      const target = resolve(cwd, to);
      if (to.endsWith(".tar")) await pipeline(archive, createWriteStream(target));
      else await unpack(archive, target);
      out.write(`${target}\n`);
    },
  },
  push: {
    usage: "IMAGE [--from DIR | --text TEXT]",
    says: "push a new version of an image: what it was (or local/shell:1) with a folder, or a text, on top",
    words: [1, 1],
    async run(twin, { words: [reference = ""], values: { from, text } }, { out, cwd }) {
      if (from !== undefined && text !== undefined) throw new UsageError("--from or --text, not both");
      const folder = from === undefined ? {} : { from: resolve(cwd, String(from)) };
      const answer = await twin.ask("/images", { body: { reference, text, ...folder } });
      out.write(`${reference}@${((await answer.json()) as { digest: string }).digest}\n`);
    },
  },
  kill: {
    usage: "host",
    says: "SIGKILL the Functions host; npm start starts it again",
    words: [1, 1],
    async run(twin, { words: [what] }, { out }) {
      if (what !== "host") throw new UsageError(`only the host can be killed, not ${what}`);
      await twin.ask("/host/kill", { method: "POST" });
      out.write("killed\n");
    },
  },
  recreate: {
    usage: "registry",
    says: "delete the registry and make it again: empty, a new creationDate, run ids from the start",
    words: [1, 1],
    async run(twin, { words: [what] }, { out }) {
      if (what !== "registry") throw new UsageError(`only the registry can be recreated, not ${what}`);
      const answer = await twin.ask("/registry/recreate", { method: "POST" });
      out.write(`${JSON.stringify(await answer.json())}\n`);
    },
  },
  fault: {
    usage: "add PART FAULT …, list, clear [PART | ID]",
    says: "make a part misbehave, see below; the list gives each an ID",
    words: [1, 3],
    async run(twin, { words: [verb, part, fault], values }, { out }) {
      const wish = wishOf(values);
      const bare = fault === undefined && Object.keys(wish).length === 0;
      const answer = await (() => {
        if (verb === "add" && fault !== undefined) return twin.ask("/faults", { body: { part, fault, ...wish } });
        if (verb === "list" && bare && part === undefined) return twin.ask("/faults");
        if (verb === "clear" && bare) return twin.ask(`/faults${whichOnes(part)}`, { method: "DELETE" });
        throw asWritten("fault", this.usage);
      })();
      for (const one of (await answer.json()) as object[]) out.write(`${JSON.stringify(one)}\n`);
    },
  },
  ledger: {
    usage: "[--follow]",
    says: "everything that acr, registry and github did, as JSON lines in order of time",
    words: [0, 0],
    async run(twin, { values }, { out, stop }) {
      const known: Record<string, string> = {};
      for (;;) {
        const text = await (await twin.ask(`/ledger?${new URLSearchParams(known)}`)).text();
        for (const line of text.split("\n").filter((each) => each !== "")) {
          const { source, sequence } = JSON.parse(line) as LedgerLine;
          known[source] = String(sequence);
        }
        out.write(text);
        if (!values.follow || stop?.aborted) return;
        await delay(500, undefined, stop && { signal: stop }).catch(() => {});
      }
    },
  },
};

/** Checks that the command takes what was written, then does it. */
export async function runCommand(line: CommandLine, around: Surroundings): Promise<void> {
  const { command: name = "", words, values, dir } = line;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new UsageError(`there is no command ${name}`);
  const alien = Object.keys(values).find((each) => !(optionsOf(name) as string[]).includes(each));
  if (alien !== undefined) throw new UsageError(`${name} has no --${alien}; ${takes(name)}`);
  const [least, most] = command.words;
  if (words.length < least || words.length > most) throw asWritten(name, command.usage);
  await command.run(new RunningTwin(dir), line, around);
}

function asWritten(name: string, usage: string): UsageError {
  return new UsageError(`It goes: ${name} ${usage}`.trimEnd());
}

export function usage(): string {
  const row = (left: string, right: string) => `  ${left.padEnd(46)} ${right}`;
  return [
    "npm run twin -- [flags]           ACR with Tasks, a registry, storage, identity and GitHub, without Slipway",
    "",
    "  --dir <folder>          keep everything there instead of in .local; before any command: the twin of that folder",
    "  --fresh                 start over: remove everything kept there first",
    "  --engine <which>        docker, buildah or built-in (default: the first of them that works here)",
    "  --clock-scale <n>       a task's timeouts and delays, and Event Grid's, pass n times faster than on Azure",
    "  --port-<part> <n>       registry, arm, github, identity, blob, queue, table; 0 for any (default: last time's)",
    "",
    "npm run twin -- COMMAND           while it, or npm start, runs",
    "",
    ...Object.entries(commands).map(([name, { usage, says }]) => row(`${name} ${usage}`, says)),
    "",
    `Parts that misbehave: ${parts.join(", ")}; of registries, the first. Faults, and the parts that have them:`,
    "",
    ...faultTable.map(({ fault, says, parts }) => row(`${fault} (${Object.keys(parts).join(", ")})`, says)),
    "",
    "  --times N (1 unless told), --retry-after and --seconds in seconds, --status 503, --run ID (acr), --on OPERATION",
    "  (acr: scheduleRun, getRun …) or --on TEXT (in the path: registry, github), --method PUT. One that a fault would",
    "  ignore is refused.",
  ].join("\n");
}

/** All of them, those of a part, or the one with that id of the list. */
function whichOnes(word: string | undefined): string {
  if (word === undefined) return "";
  return /^\d+$/.test(word) ? `/${word}` : `?part=${encodeURIComponent(word)}`;
}

function wishOf(values: CommandLine["values"]): object {
  const numbers = ["times", "seconds", "status", "retry-after"];
  return Object.fromEntries(
    optionsOf("fault")
      .filter((name) => name !== "dir" && values[name] !== undefined)
      .map((name) => [
        name === "retry-after" ? "retryAfter" : name,
        numbers.includes(name) ? numberOf(name, values[name]) : values[name],
      ]),
  );
}

function numberOf(name: string, text: unknown): number {
  const value = Number(text);
  if (text === "" || !Number.isFinite(value)) throw new UsageError(`--${name} ${text}: not a number`);
  return value;
}

/** Like `ls -l`; the owner by number, since an image's names need not be this machine's. */
function describe({ type, mode, uid, gid, size, target, path }: ImageFile & { path: string }): string {
  const letter = { directory: "d", symlink: "l", file: "-" }[type] ?? (type === "link" ? "-" : "?");
  const bits = [6, 3, 0].map((shift) => {
    const three = (mode >> shift) & 7;
    return `${three & 4 ? "r" : "-"}${three & 2 ? "w" : "-"}${three & 1 ? "x" : "-"}`;
  });
  const to = !target ? "" : type === "link" ? ` is ${target}` : ` -> ${target}`;
  return `${letter}${bits.join("")} ${`${uid}:${gid}`.padEnd(11)} ${String(size).padStart(9)} ${path}${to}`;
}

async function unpack(archive: Readable, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) throw new Error(`${folder} is not empty`);
  const [{ applyEntries }, { readTar }] = await Promise.all([
    import("../engine/built-in/apply-layer.ts"),
    import("../engine/built-in/read-layer.ts"),
  ]);
  await applyEntries(folder, readTar(archive), { whiteouts: false });
}
