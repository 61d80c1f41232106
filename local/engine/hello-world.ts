import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BlobFiles } from "../registry/blob-files.ts";
import type { RegistryStore } from "../registry/registry-store.ts";
import { defaultPath, hostArchitecture } from "./built-in/image.ts";
import { pushImage } from "./built-in/push-image.ts";
import { writeLayer } from "./built-in/write-layer.ts";
import { EngineError } from "./engine.ts";

export const helloWorld = { host: "mcr.microsoft.com", repository: "hello-world", tag: "latest" } as const;

const greeting = `
Hello from Docker!
This message shows that your installation appears to be working correctly.

`;

/**
 * Makes an image that greets as Docker's hello-world does, for a mirror of mcr.microsoft.com without a network: one
 * static program and nothing else. The same machine gives the same digest, which is not that of Microsoft's image.
 */
export async function pushHelloWorld(store: RegistryStore): Promise<string> {
  const program = helloPrograms[hostArchitecture]?.(Buffer.from(greeting));
  if (!program) throw new EngineError(`there is no hello-world for ${hostArchitecture}`);
  const scratchDir = await mkdtemp(join(tmpdir(), "slipway-hello-"));
  try {
    const time = new Date(0);
    const content = elf(program);
    const file = { type: "file", path: "hello", content, mode: 0o755, uid: 0, gid: 0 } as const;
    const layer = await writeLayer(new BlobFiles(scratchDir), [file], time);
    const config = {
      created: time.toISOString(),
      architecture: hostArchitecture,
      os: "linux",
      config: { Cmd: ["/hello"], Env: [`PATH=${defaultPath}`], WorkingDir: "/" },
      rootfs: { type: "layers" as const, diff_ids: [layer.diffId] },
      history: [{ created: time.toISOString(), created_by: "slipway: hello-world" }],
    };
    const { repository, tag } = helloWorld;
    return await pushImage(store, repository, tag, { config, layers: [layer] }, () => undefined);
  } finally {
    await rm(scratchDir, { recursive: true, force: true });
  }
}

interface Program {
  /** e_machine of the ELF header. */
  readonly machine: number;
  /** Machine code with what it prints behind it. */
  readonly code: Buffer;
}

/** write(1, greeting, length); exit(0) */
const helloPrograms: Readonly<Record<string, ((text: Buffer) => Program) | undefined>> = {
  amd64: (text) => {
    const write = Buffer.from("b801000000bf01000000488d3500000000ba000000000f05", "hex");
    const end = Buffer.from("b83c00000031ff0f05", "hex");
    // lea rsi counts from the instruction after it, at 17.
    write.writeInt32LE(write.length + end.length - 17, 13);
    write.writeInt32LE(text.length, 18);
    return { machine: 62, code: Buffer.concat([write, end, text]) };
  },
  arm64: (text) => {
    const move = (register: number, value: number) => 0xd2800000 + value * 32 + register;
    const call = 0xd4000001;
    // adr x1 stands second of eight instructions, and the text behind the last.
    const address = 0x10000000 + 7 * 32 + 1;
    const words = [move(0, 1), address, move(2, text.length), move(8, 64), call, move(0, 0), move(8, 93), call];
    const code = Buffer.alloc(4 * words.length);
    for (const [index, word] of words.entries()) code.writeUInt32LE(word, 4 * index);
    return { machine: 183, code: Buffer.concat([code, text]) };
  },
};

/** The smallest static executable: a header, one segment with everything in it, the program. elf(5). */
function elf({ machine, code }: Program): Buffer {
  const base = 0x400000;
  const [header, segment] = [Buffer.alloc(64), Buffer.alloc(56)];
  const start = header.length + segment.length;
  Buffer.from("7f454c46020101", "hex").copy(header);
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(machine, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(base + start), 24);
  header.writeBigUInt64LE(BigInt(header.length), 32);
  for (const [at, value] of [
    [52, header.length],
    [54, segment.length],
    [56, 1],
    [58, 64],
  ] as const)
    header.writeUInt16LE(value, at);
  segment.writeUInt32LE(1, 0);
  // To be read and executed.
  segment.writeUInt32LE(5, 4);
  for (const at of [16, 24]) segment.writeBigUInt64LE(BigInt(base), at);
  for (const at of [32, 40]) segment.writeBigUInt64LE(BigInt(start + code.length), at);
  segment.writeBigUInt64LE(0x1000n, 48);
  return Buffer.concat([header, segment, code]);
}
