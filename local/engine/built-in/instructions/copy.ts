import { createReadStream } from "node:fs";
import { chmod, mkdtemp, open } from "node:fs/promises";
import { join, posix } from "node:path";
import { Dockerignore } from "../../context/dockerignore.ts";
import { lstatIfAny, pathInRoot } from "../../context/path-in-root.ts";
import { EngineError } from "../../engine.ts";
import { applyEntries } from "../apply-layer.ts";
import type { CopySource } from "../copy-source.ts";
import { compressionOf, MissingTool } from "../decompress.ts";
import type { LayerEntry } from "../layer-entry.ts";
import { planCopy } from "../plan-copy.ts";
import { readTar } from "../read-layer.ts";
import { splitWords } from "../split-words.ts";
import { findUser } from "../users.ts";
import type { InstructionCall, InstructionHandler } from "./instruction-call.ts";

interface CopyArguments {
  readonly paths: readonly string[];
  readonly destination: string;
  readonly owner?: { uid: number; gid: number };
  readonly mode?: number;
  readonly from?: string;
  readonly parents: boolean;
  readonly excluded: Dockerignore;
}

export const copy: InstructionHandler = async (call) => {
  const { stage, instruction } = call;
  const request = await readArguments(call, ["from", "chown", "chmod", "link", "parents", "exclude"]);
  const { inline, paths } = splitInline(call, request.paths);
  const planned =
    paths.length === 0
      ? []
      : await planCopy({ ...request, paths, source: await sourceOf(call, request), root: stage.root });
  const entries = [...planned, ...(await inlineFiles(call, request, inline))];
  await stage.addLayer(entries, instruction.display);
};

function sourceOf(call: InstructionCall, { from }: CopyArguments): Promise<CopySource> {
  return from === undefined ? call.context() : call.copySource(from);
}

/** COPY from the context, except that a local tar archive is unpacked. */
export const add: InstructionHandler = async (call) => {
  const { stage, instruction } = call;
  const request = await readArguments(call, ["chown", "chmod", "link", "exclude", "checksum"]);
  const { inline, paths } = splitInline(call, request.paths);
  const entries = await inlineFiles(call, request, inline);
  for (const path of paths) {
    if (/^(https?:|git@|git:|ftp:)/i.test(path)) {
      throw new EngineError(`ADD ${path}: the built-in engine works offline; put the file into the build context`);
    }
    if (instruction.flags.some(({ name }) => name === "checksum")) {
      throw new EngineError(`ADD --checksum is for addresses, and ${path} is none`);
    }
    const context = await call.context();
    const unpacked = await unpackIfArchive(call, context, path);
    const one = { ...request, paths: [unpacked ? "/" : path], source: unpacked ?? context, root: stage.root };
    // One source at a time, so the rule for several is checked here.
    if (request.paths.length > 1 && !request.destination.endsWith("/")) {
      throw new EngineError(`several sources need a destination that ends in "/", not ${request.destination}`);
    }
    entries.push(...(await planCopy(one)));
  }
  await stage.addLayer(lastByPath(entries), instruction.display);
};

async function readArguments(call: InstructionCall, known: readonly string[]): Promise<CopyArguments> {
  const { stage, instruction } = call;
  const { keyword, flags } = instruction;
  for (const { name } of flags) {
    if (!known.includes(name)) throw new EngineError(`${keyword} --${name} is not supported by the built-in engine`);
  }
  const flag = (name: string) => flags.find((candidate) => candidate.name === name)?.value;
  const words = (instruction.json ?? splitWords(instruction.text, stage.escapeChar)).map((word) => stage.expand(word));
  const destination = words.pop();
  if (destination === undefined || words.length === 0)
    throw new EngineError(`${keyword} needs a source and a destination`);
  const excluded = flags.filter(({ name }) => name === "exclude").map(({ value }) => stage.expand(value));
  const chown = flag("chown");
  const chmod = flag("chmod");
  const owner = chown === undefined ? undefined : await ownerOf(call, stage.expand(chown));
  return {
    paths: words,
    destination: stage.absolute(destination),
    owner,
    mode: chmod === undefined ? undefined : parseMode(stage.expand(chmod)),
    from: flag("from"),
    parents: flag("parents") !== undefined && flag("parents") !== "false",
    excluded: new Dockerignore(excluded.join("\n")),
  };
}

/** A user alone gives the group of the same number, unlike USER. */
async function ownerOf({ stage }: InstructionCall, text: string): Promise<{ uid: number; gid: number }> {
  const { uid, gid } = await findUser(stage.root, text);
  return /^\d+$/.test(text) ? { uid, gid: uid } : { uid, gid };
}

function parseMode(text: string): number {
  if (!/^[0-7]{1,5}$/.test(text)) throw new EngineError(`--chmod=${text}: only octal modes are supported`);
  return Number.parseInt(text, 8) & 0o7777;
}

/** `COPY <<EOF /path`: the words that are here-documents, and the others. */
function splitInline({ instruction }: InstructionCall, words: readonly string[]) {
  const inline = instruction.heredocs.filter(({ marker }) => words.some((word) => isMarker(word, marker)));
  const paths = words.filter((word) => !inline.some(({ marker }) => isMarker(word, marker)));
  return { inline, paths };
}

/** Words have lost their quotes by now. */
function isMarker(word: string, marker: string): boolean {
  return word === marker.replace(/["']/g, "");
}

async function inlineFiles(
  { stage }: InstructionCall,
  { destination, owner, mode }: CopyArguments,
  heredocs: InstructionCall["instruction"]["heredocs"],
): Promise<LayerEntry[]> {
  const entries: LayerEntry[] = [];
  for (const { name, content, expands } of heredocs) {
    const to = await pathInRoot(stage.root, destination);
    const isFolder = destination.endsWith("/") || (await lstatIfAny(join(stage.root, to)))?.isDirectory();
    const path = (isFolder ? posix.join(to, name) : to).slice(1);
    const text = expands ? expandText(stage.expand.bind(stage), content) : content;
    entries.push({ type: "file", path, content: Buffer.from(text), mode: mode ?? 0o644, uid: 0, gid: 0, ...owner });
  }
  return entries;
}

/** In a here-document quotes are ordinary characters; only variables are replaced. */
function expandText(expand: (word: string) => string, content: string): string {
  return content.replace(/\\\$|\$\{[^}]*\}?|\$[A-Za-z_]\w*/g, (found) =>
    found.startsWith("\\") ? "$" : expand(found),
  );
}

async function unpackIfArchive(
  { scratchDir, log, signal }: InstructionCall,
  context: CopySource,
  path: string,
): Promise<CopySource | undefined> {
  const file = join(context.root, await pathInRoot(context.root, path));
  if (!(await lstatIfAny(file))?.isFile() || !(await isArchive(file, signal))) return undefined;
  const root = await mkdtemp(join(scratchDir, "add-"));
  await chmod(root, 0o755);
  await applyEntries(root, readTar(createReadStream(file), signal), { whiteouts: false, log });
  return { root, keepsOwners: true, name: `the archive ${path}` };
}

/** By content, as Docker does, never by name: a tar, or something compressed that has a first entry. */
async function isArchive(file: string, signal: AbortSignal): Promise<boolean> {
  const handle = await open(file);
  const start = Buffer.alloc(512);
  await handle.read(start, 0, 512, 0).finally(() => handle.close());
  if (compressionOf(start) === undefined) return start.toString("latin1", 257, 262) === "ustar";
  try {
    for await (const entry of readTar(createReadStream(file), signal)) return entry.header.name !== "";
    return false;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof MissingTool) throw error;
    return false;
  }
}

function lastByPath(entries: readonly LayerEntry[]): LayerEntry[] {
  return [...new Map(entries.map((entry) => [entry.path, entry])).values()];
}
