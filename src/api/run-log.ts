/** A run's log: from our copy once it is kept, from ACR while it grows. Secrets are covered; offsets count bytes and stay true. */

import { maskBytes } from "../handlers/mask-lines.ts";
import type { LogReader } from "../ports.ts";
import type { FoundRun } from "./history.ts";

export interface LogPorts {
  acrLog(registry: string, acrRunId: string): Promise<LogReader>;
  keptLog(blob: string, offset: number, maxBytes: number): Promise<Uint8Array>;
  sleep(ms: number): Promise<void>;
}

export interface LogPart {
  readonly bytes: Uint8Array;
  readonly next: number;
  readonly complete: boolean;
}

/** One answer's worth: the host holds answers in memory. */
const partBytes = 4 * 1024 * 1024;
/** A follower waits this long for more before it gets an empty answer; well below the front end's 230 s. */
const followMs = 20_000;
const followStepMs = 500;
const newline = 0x0a;
/** Lines are masked in pieces of this size when they are longer. */
const leadMost = 64 * 1024;

/**
 * From an offset in bytes on, up to 4 MiB, of a growing log whole lines only. `next` is where to go on; `follow` waits up to
 * 20 s while there is nothing to show. Throws TransientError or PermanentError.
 */
export async function readRunLog(found: FoundRun, offset: number, follow: boolean, ports: LogPorts): Promise<LogPart> {
  const { run } = found;
  if (run.log) {
    const bytes = offset < run.log.bytes ? await ports.keptLog(run.log.blob, offset, partBytes) : new Uint8Array();
    const next = offset + bytes.byteLength;
    return { bytes, next, complete: next >= run.log.bytes };
  }
  if (run.acrRunId === undefined) return { bytes: new Uint8Array(), next: offset, complete: run.ended !== undefined };
  const reader = await ports.acrLog(run.registry, run.acrRunId);
  const lead = await leadOf(reader, offset);
  for (let waited = 0; ; waited += followStepMs) {
    const piece = await reader.read(offset - lead, lead + partBytes);
    const whole = piece.complete ? piece.bytes : wholeLines(piece.bytes);
    const bytes = maskBytes(whole).subarray(lead);
    if (bytes.byteLength > 0 || piece.complete || !follow || waited >= followMs)
      return { bytes, next: offset + bytes.byteLength, complete: piece.complete };
    await ports.sleep(followStepMs);
  }
}

/** How far before `offset` its line begins: a secret is covered also for whoever asks from its middle. */
async function leadOf(reader: LogReader, offset: number): Promise<number> {
  const asked = Math.min(offset, leadMost);
  if (asked === 0) return 0;
  const { bytes } = await reader.read(offset - asked, asked);
  // Fewer than asked for: nothing is written at the offset yet.
  return bytes.byteLength < asked ? 0 : asked - (bytes.lastIndexOf(newline) + 1);
}

/** A line is shown once it is whole, so that no secret slips through in two halves. */
function wholeLines(bytes: Uint8Array): Uint8Array {
  const end = bytes.lastIndexOf(newline) + 1;
  return end === 0 && bytes.byteLength >= partBytes ? bytes : bytes.subarray(0, end);
}
