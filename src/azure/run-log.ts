import { parseEndpoint } from "../endpoint.ts";
import { TransientError } from "../errors.ts";
import type { LogPiece, LogReader } from "../ports.ts";
import { safeCause } from "../redact.ts";
import { parseRetryAfter } from "../retry-after.ts";
import type { Secret } from "../secret.ts";

/** Where a run's log is. `artifact` is a finished text; `blob` is an append blob that grows and says in its metadata when it is complete. */
export interface LogLink {
  readonly kind: "artifact" | "blob";
  readonly url: Secret;
}

const readTimeoutMs = 30_000;
/** ACR's engine sets it (any case; fetch gives names in lower case) on the log blob when the run is over. */
const completeHeader = "x-ms-meta-complete";

/** Reads by byte range. The links' lifetime is not documented: a 403 asks once for a fresh one. The link never shows in an error. */
export function createLogReader(findLink: () => Promise<LogLink | undefined>): LogReader {
  let link: LogLink | undefined;
  return {
    async read(offset, maxBytes) {
      link ??= await findLink();
      if (link === undefined) return nothingYet(offset);
      let answer = await get(link, offset, maxBytes);
      if (answer.status === 403) {
        await answer.body?.cancel();
        link = await findLink();
        if (link === undefined) return nothingYet(offset);
        answer = await get(link, offset, maxBytes);
      }
      return await readPiece(answer, link, offset, maxBytes);
    },
  };
}

/** The blob appears when the run starts, and nobody has seen what ACR answers before that. */
const nothingYet = (offset: number): LogPiece => ({ bytes: new Uint8Array(), nextOffset: offset, complete: false });

async function get(link: LogLink, offset: number, maxBytes: number, method: "GET" | "HEAD" = "GET"): Promise<Response> {
  const url = link.url.expose();
  if (!parseEndpoint(url).ok) throw new TransientError("read a run's log: the link is not https");
  // The whole range of a HEAD is wanted: only its length and metadata matter.
  const headers = method === "GET" ? { range: `bytes=${offset}-${offset + maxBytes - 1}` } : undefined;
  try {
    return await fetch(url, { method, headers, redirect: "error", signal: AbortSignal.timeout(readTimeoutMs) });
  } catch (error) {
    throw new TransientError("read a run's log: no answer", { cause: safeCause(error) });
  }
}

async function readPiece(answer: Response, link: LogLink, offset: number, maxBytes: number): Promise<LogPiece> {
  const ended = link.kind === "artifact" || (answer.headers.get(completeHeader) ?? "") !== "";
  if (answer.status === 206) {
    const bytes = await readBytes(answer, 0, maxBytes);
    const nextOffset = offset + bytes.length;
    const total = Number(/\/(\d+)$/.exec(answer.headers.get("content-range") ?? "")?.[1] ?? Number.NaN);
    return { bytes, nextOffset, complete: ended && nextOffset >= total };
  }
  if (answer.status === 200) {
    // A server that ignores ranges sends the whole text.
    const bytes = await readBytes(answer, offset, maxBytes + 1);
    const kept = bytes.subarray(0, maxBytes);
    return { bytes: kept, nextOffset: offset + kept.length, complete: ended && bytes.length <= maxBytes };
  }
  await answer.body?.cancel();
  if (answer.status === 404) return nothingYet(offset);
  if (answer.status === 416) return await atTheEnd(link, offset);
  throw new TransientError(`read a run's log: storage answered ${answer.status}`, {
    retryAfterSeconds: parseRetryAfter(answer.headers.get("retry-after"), Date.now()),
  });
}

/** 416: nothing at this offset. Its answer carries no metadata, so whether that is the end takes another question. */
async function atTheEnd(link: LogLink, offset: number): Promise<LogPiece> {
  if (link.kind === "artifact") return { ...nothingYet(offset), complete: true };
  const answer = await get(link, 0, 0, "HEAD");
  const ended = (answer.headers.get(completeHeader) ?? "") !== "";
  const total = Number(answer.headers.get("content-length") ?? Number.NaN);
  return { ...nothingYet(offset), complete: answer.ok && ended && offset >= total };
}

/** At most `limit` bytes after the first `skip`, without holding the rest. */
async function readBytes(answer: Response, skip: number, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let skipped = 0;
  let kept = 0;
  try {
    for await (const chunk of answer.body ?? []) {
      const fresh = chunk.subarray(Math.min(chunk.length, skip - skipped));
      skipped += chunk.length - fresh.length;
      chunks.push(fresh.subarray(0, limit - kept));
      kept += chunks.at(-1)!.length;
      if (kept === limit) break;
    }
  } catch (error) {
    throw new TransientError("read a run's log: the answer broke off", { cause: safeCause(error) });
  }
  return new Uint8Array(Buffer.concat(chunks));
}
