import { spawn } from "node:child_process";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import { EngineError } from "../engine.ts";
import { findTool } from "./tool.ts";

/** How each kind begins, and the program that undoes it where Node does not. */
const kinds = {
  gzip: { magic: [0x1f, 0x8b], tool: "gzip" },
  bzip2: { magic: [0x42, 0x5a, 0x68], tool: "bzip2" },
  xz: { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], tool: "xz" },
  zstd: { magic: [0x28, 0xb5, 0x2f, 0xfd], tool: "zstd" },
} as const;
type Compression = keyof typeof kinds;
const longestMagic = 6;

export class MissingTool extends EngineError {}

export function compressionOf(start: Buffer): Compression | undefined {
  const names = Object.keys(kinds) as Compression[];
  return names.find((name) => kinds[name].magic.every((byte, index) => start[index] === byte));
}

/** The stream itself, or what it says when it is compressed. */
export async function decompressed(stream: Readable): Promise<Readable> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let start = Buffer.alloc(0);
  while (start.length < longestMagic) {
    const { value, done } = await chunks.next();
    if (done) break;
    start = Buffer.concat([start, value]);
  }
  const whole = Readable.from(rejoined(start, chunks), { objectMode: false });
  const kind = compressionOf(start);
  if (kind === undefined) return whole;
  const inNode = kind === "gzip" ? zlib.createGunzip() : kind === "zstd" ? zstdInNode() : undefined;
  if (!inNode) return byTool(whole, kind);
  pipeline(whole, inNode).catch((error: Error) => inNode.destroy(error));
  return inNode;
}

async function* rejoined(start: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield start;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** From Node 22.15 on. */
function zstdInNode() {
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => ReturnType<typeof zlib.createGunzip> };
  return createZstdDecompress?.();
}

function byTool(stream: Readable, kind: Compression): Readable {
  const { tool } = kinds[kind];
  const path = findTool(tool);
  if (path === undefined)
    throw new MissingTool(`this is compressed with ${kind}, and there is no ${tool} on this machine`);
  const child = spawn(path, ["-dc"], { stdio: ["pipe", "pipe", "ignore"], cwd: "/" });
  const output = child.stdout;
  pipeline(stream, child.stdin).catch(() => child.kill("SIGKILL"));
  output.once("close", () => output.readableEnded || child.kill("SIGKILL"));
  return Readable.from(
    (async function* () {
      const code = new Promise<number | null>((resolve) => child.once("close", resolve));
      yield* output;
      if ((await code) !== 0) throw new EngineError(`${tool} cannot read this`);
    })(),
    { objectMode: false },
  );
}
