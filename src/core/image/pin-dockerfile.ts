import {
  type DockerfileOptions,
  type DockerfileResult,
  defaultPlatform,
  type ReadBuild,
  readBuild,
  readDockerfile,
  referenceAt,
} from "./dockerfile.ts";
import { withoutByteOrderMark } from "./dockerfile-directives.ts";
import type { Escape } from "./dockerfile-expand.ts";
import type { ImageUse, ResolvedStage } from "./dockerfile-graph.ts";
import type { Instruction, Piece } from "./dockerfile-lines.ts";
import { DockerfileRefusal } from "./dockerfile-refusal.ts";
import { expandAt } from "./dockerfile-variables.ts";
import { csvFields, type Span } from "./dockerfile-words.ts";
import { isSpace } from "./go-space.ts";
import { quote } from "./quote.ts";
import { formatReference, isDigest, isPinned, parseReference } from "./reference.ts";

/** Digests by canonical reference; what is missing or null stays a tag. */
export type Digests = Readonly<Record<string, string | null>>;

export type PinResult =
  | { readonly ok: true; readonly text: string }
  | Extract<DockerfileResult, { readonly ok: false }>;

/**
 * The same Dockerfile with every FROM in the one form that ACR's scanner understands, `FROM host/repository@digest [AS name]`,
 * and with the digest in place of each tag that the build reads: FROM, COPY --from, RUN --mount from=, the syntax directive.
 * Every line keeps its number, and everything else stays as written. Doing it twice changes nothing more. Linear.
 */
export function pinDockerfile(text: string, options: DockerfileOptions, digests: Digests): PinResult {
  const read = readDockerfile(text, options);
  if (!read.ok) return read;
  try {
    const build = readBuild(text, options);
    const pinned = rewrite(text, build, options, digests);
    assertSameBuild(build, readBuild(pinned, options), digests);
    return { ok: true, text: pinned };
  } catch (error) {
    if (!(error instanceof DockerfileRefusal)) throw error;
    return { ok: false, line: error.line, message: error.message, fix: error.fix };
  }
}

function rewrite(text: string, build: ReadBuild, options: DockerfileOptions, digests: Digests): string {
  const { resolved, uses, lines } = build;
  if (resolved.length === 0)
    throw new DockerfileRefusal(
      1,
      "there is no FROM: the file is in the language of its frontend",
      "remove compat, which is for Dockerfiles",
    );
  const mark = text.length - withoutByteOrderMark(text).length;
  const edited = new EditedLines(text.slice(mark));
  pinFrontend(edited, build, options, digests);
  const byLine = new Map(lines.instructions.map((instruction) => [instruction.line, instruction]));
  for (const stage of resolved) {
    const instruction = byLine.get(stage.stage.line)!;
    refuseFlags(instruction, stage, build, options);
    edited.replaceInstruction(instruction, canonicalFrom(stage, resolved, digests));
  }
  for (const use of uses) pinFlag(edited, use, byLine.get(use.line)!, lines.escapeToken, digests);
  return text.slice(0, mark) + edited.finish();
}

function canonicalFrom({ stage, base }: ResolvedStage, resolved: readonly ResolvedStage[], digests: Digests): string {
  const image =
    "stage" in base ? resolved[base.stage]!.stage.name!.toLowerCase() : canonical(base.image, stage.line, digests);
  // In lower case, because the scanner compares names by case.
  return `FROM ${image}${stage.name === undefined ? "" : ` AS ${stage.name.toLowerCase()}`}`;
}

function canonical(image: string, line: number, digests: Digests): string {
  return image === "scratch" ? image : (digestOf(image, digests) ?? formatReference(referenceAt(line, image)));
}

/** The canonical reference by digest; undefined for what is pinned already or has no digest here. */
function digestOf(image: string, digests: Digests): string | undefined {
  const parsed = parseReference(image);
  if (!parsed.ok || isPinned(parsed.reference)) return undefined;
  const key = formatReference(parsed.reference);
  const digest = Object.hasOwn(digests, key) ? digests[key] : undefined;
  if (typeof digest !== "string" || !isDigest(digest)) return undefined;
  const { registry, repository } = parsed.reference;
  return formatReference({ registry, repository, digest });
}

/** The scanner knows no flags, so `--platform` goes; it may when it says only what the build does anyway. */
function refuseFlags(
  { flags, line }: Instruction,
  { stage, base }: ResolvedStage,
  { expansion }: ReadBuild,
  { platform = defaultPlatform }: DockerfileOptions,
): void {
  const unknown = flags.find((flag) => !flag.startsWith("--platform="));
  if (unknown !== undefined)
    throw new DockerfileRefusal(line, `FROM ${quote(unknown)} is a flag that compat does not know`, "remove the flag");
  // A stage brings its own platform, and a flag changes nothing about it.
  if (stage.platform === undefined || "stage" in base) return;
  const asked = expandAt(line, stage.platform, expansion!);
  if (asked.toLowerCase() === platform.toLowerCase()) return;
  throw new DockerfileRefusal(
    line,
    `compat cannot take away --platform=${quote(asked)}: the image is built for ${platform}`,
    "name the image of that platform by its digest and remove the flag",
  );
}

function pinFlag(
  edited: EditedLines,
  { image, reachable, flag, instruction }: ImageUse,
  whole: Instruction,
  escapeToken: Escape,
  digests: Digests,
): void {
  const pinned = digestOf(image, digests);
  if (flag === undefined || !reachable || pinned === undefined) return;
  const written = instruction === "COPY" ? `--from=${pinned}` : mountFrom(flag.text, pinned, escapeToken);
  edited.replaceSpan(whole.pieces, flag.span, written);
}

/** The mount with another `from`, quoted for the list and then for the flag it stands in. */
function mountFrom(flag: string, from: string, escapeToken: Escape): string {
  const fields = csvFields(flag.slice("--mount=".length))!;
  const last = fields.findLastIndex((field) => /^from=/i.test(field));
  const list = fields.map((field, index) => inList(index === last ? `from=${from}` : field)).join(",");
  let written = "--mount=";
  for (const character of list)
    written += isSpace(character) || `'"${escapeToken}`.includes(character) ? escapeToken + character : character;
  return written;
}

function inList(field: string): string {
  return /[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

function pinFrontend(edited: EditedLines, { syntax }: ReadBuild, { buildArgs }: DockerfileOptions, digests: Digests) {
  const pinned = syntax && digestOf(syntax.image, digests);
  if (Object.hasOwn(buildArgs, "BUILDKIT_SYNTAX")) {
    if (syntax !== undefined && !tagless(syntax.image))
      throw new DockerfileRefusal(
        1,
        "the build argument BUILDKIT_SYNTAX names the frontend, which a change of the Dockerfile cannot pin",
        "write it as # syntax= in the Dockerfile, or name it by digest",
      );
  } else if (pinned !== undefined) edited.replaceSyntax(syntax!.line, syntax!.image, pinned);
}

function tagless(image: string): boolean {
  const parsed = parseReference(image);
  return parsed.ok && isPinned(parsed.reference);
}

/** The physical lines of a file while some are rewritten. Their number and their line ends stay. */
class EditedLines {
  private readonly lines: string[];
  /** Per line, what is to be replaced there, in any order. */
  private readonly edits = new Map<number, { readonly start: number; readonly end: number; readonly text: string }[]>();

  constructor(text: string) {
    this.lines = text.split("\n");
  }

  finish(): string {
    for (const [line, edits] of this.edits) {
      const text = this.lines[line - 1]!;
      const parts: string[] = [];
      let at = 0;
      for (const edit of edits.sort((a, b) => a.start - b.start)) {
        parts.push(text.slice(at, edit.start), edit.text);
        at = edit.end;
      }
      this.lines[line - 1] = parts.join("") + text.slice(at);
    }
    return this.lines.join("\n");
  }

  /** On its first line; the others it was continued on become blank, but for comments. */
  replaceInstruction({ pieces }: Instruction, text: string): void {
    for (const [index, { line }] of pieces.entries())
      this.lines[line - 1] = (index === 0 ? text : "") + lineEndOf(this.lines[line - 1]!);
  }

  replaceSpan(pieces: readonly Piece[], { start, end }: Span, text: string): void {
    let written = text;
    for (let index = pieceAt(pieces, start); index < pieces.length && pieces[index]!.at < end; index++) {
      const { at, length, line, column } = pieces[index]!;
      const from = column + Math.max(start - at, 0);
      const to = column + Math.min(end - at, length);
      if (from === to && written === "") continue;
      const edits = this.edits.get(line) ?? [];
      this.edits.set(line, edits);
      edits.push({ start: from, end: to, text: written });
      written = "";
    }
  }

  replaceSyntax(line: number, image: string, pinned: string): void {
    const text = this.lines[line - 1]!;
    const at = text.indexOf(image, text.indexOf("=") + 1);
    this.lines[line - 1] = text.slice(0, at) + pinned + text.slice(at + image.length);
  }
}

/** The last piece that begins at or before the offset and holds something of it. */
function pieceAt(pieces: readonly Piece[], offset: number): number {
  let [low, high] = [0, pieces.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (pieces[middle]!.at <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

function lineEndOf(line: string): string {
  let start = line.length;
  while (line[start - 1] === "\r") start--;
  return line.slice(start);
}

/** Nobody builds a file of ours that means something else: what was rewritten is read again and compared. */
function assertSameBuild(before: ReadBuild, after: ReadBuild, digests: Digests): void {
  const wanted = JSON.stringify(outline(before, digests));
  if (wanted === JSON.stringify(outline(after, {}))) return;
  throw new DockerfileRefusal(1, "compat cannot rewrite this Dockerfile without changing it", "remove compat");
}

function outline({ syntax, parsed, resolved, uses }: ReadBuild, digests: Digests) {
  const named = (image: string) => digestOf(image, digests) ?? canonicalOrAsWritten(image);
  return {
    syntax: syntax && [syntax.line, named(syntax.image)],
    globals: parsed.globals,
    stages: resolved.map(({ stage, base }) => [
      stage.line,
      stage.name?.toLowerCase(),
      "stage" in base ? base.stage : named(base.image),
    ]),
    uses: uses.map(({ image, line, instruction, reachable, isOrigin }) => [
      instruction === "FROM" || reachable ? named(image) : canonicalOrAsWritten(image),
      line,
      instruction,
      reachable,
      isOrigin,
    ]),
  };
}

function canonicalOrAsWritten(image: string): string {
  const parsed = parseReference(image);
  return parsed.ok && image !== "scratch" ? formatReference(parsed.reference) : image;
}
