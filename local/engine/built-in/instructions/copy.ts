import { createReadStream } from "node:fs";
import { mkdtemp, open } from "node:fs/promises";
import { join, posix } from "node:path";
import { lstatIfAny, pathInRoot } from "../../context/path-in-root.ts";
import { EngineError } from "../../engine.ts";
import { applyEntries } from "../apply-layer.ts";
import type { CopySource } from "../copy-source.ts";
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
}

export const copy: InstructionHandler = async (call) => {
  const { stage, instruction } = call;
  const request = await readArguments(call, ["from", "chown", "chmod", "link"]);
  const source = request.from === undefined ? call.context : await call.copySource(request.from);
  const { inline, paths } = splitInline(call, request.paths);
  const planned = paths.length === 0 ? [] : await planCopy({ ...request, paths, source, root: stage.root });
  const entries = [...planned, ...(await inlineFiles(call, request, inline))];
  await stage.addLayer(entries, instruction.display);
};

/** COPY from the context, except that a local tar archive is unpacked. */
export const add: InstructionHandler = async (call) => {
  const { stage, instruction, context } = call;
  const request = await readArguments(call, ["chown", "chmod", "link"]);
  const { inline, paths } = splitInline(call, request.paths);
  const entries = await inlineFiles(call, request, inline);
  for (const path of paths) {
    if (/^(https?:|git@|git:|ftp:)/i.test(path)) {
      throw new EngineError(`ADD ${path}: the built-in engine works offline; put the file into the build context`);
    }
    const unpacked = await unpackIfArchive(call, path);
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
  const chown = flag("chown");
  const chmod = flag("chmod");
  const owner = chown === undefined ? undefined : await ownerOf(call, stage.expand(chown));
  return {
    paths: words,
    destination: stage.absolute(destination),
    owner,
    mode: chmod === undefined ? undefined : parseMode(stage.expand(chmod)),
    from: flag("from"),
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
  return content.replace(/\\\$|\$\{[^}]*\}|\$[A-Za-z_]\w*/g, (found) => (found.startsWith("\\") ? "$" : expand(found)));
}

async function unpackIfArchive(
  { context, scratchDir }: InstructionCall,
  path: string,
): Promise<CopySource | undefined> {
  const inside = await pathInRoot(context.root, path);
  const file = join(context.root, inside);
  if (!context.includes(inside) || !(await lstatIfAny(file))?.isFile()) return undefined;
  const compression = await archiveKind(file);
  if (compression === undefined) return undefined;
  const root = await mkdtemp(join(scratchDir, "add-"));
  await applyEntries(root, readTar(createReadStream(file), compression === "gzip"), { whiteouts: false });
  return { root, includes: () => true, keepsOwners: true, name: `the archive ${path}` };
}

/** By content, as Docker does, never by name. */
async function archiveKind(file: string): Promise<"gzip" | "plain" | undefined> {
  const handle = await open(file);
  try {
    const start = Buffer.alloc(512);
    await handle.read(start, 0, 512, 0);
    const magic = start.subarray(0, 6).toString("latin1");
    if (magic.startsWith("BZh") || magic === "\xfd7zXZ\0") {
      throw new EngineError(`ADD ${file}: bzip2 and xz archives are not supported by the built-in engine`);
    }
    if (magic.startsWith("\x1f\x8b")) return (await isTar(file)) ? "gzip" : undefined;
    return start.toString("latin1", 257, 262) === "ustar" ? "plain" : undefined;
  } finally {
    await handle.close();
  }
}

/** A gzipped file may be anything; it is an archive when its first entry can be read. */
async function isTar(file: string): Promise<boolean> {
  try {
    for await (const entry of readTar(createReadStream(file), true)) return entry.header.name !== "";
    return false;
  } catch {
    return false;
  }
}

function lastByPath(entries: readonly LayerEntry[]): LayerEntry[] {
  return [...new Map(entries.map((entry) => [entry.path, entry])).values()];
}
