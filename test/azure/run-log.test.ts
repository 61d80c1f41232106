import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { createLogReader, type LogLink } from "../../src/azure/run-log.ts";
import { TransientError } from "../../src/errors.ts";
import { Secret } from "../../src/secret.ts";
import { type Answer, type Peer, type SeenRequest, startPeer } from "../support/scripted-peer.ts";

let peer: Peer | undefined;
afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

/** Answers as Blob storage does: ranges, 416 past the end, metadata on everything but errors. */
function blob(state: { text: string; complete?: string; headerName?: string }) {
  return (request: SeenRequest): Answer => {
    const metadata: Record<string, string> = state.complete
      ? { [state.headerName ?? "x-ms-meta-Complete"]: state.complete }
      : {};
    const length = Buffer.byteLength(state.text);
    if (request.method === "HEAD") return { headers: { ...metadata, "content-length": String(length) } };
    const [, from = "0", to = "0"] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    if (Number(from) >= length) return { status: 416 };
    const body = Buffer.from(state.text).subarray(Number(from), Number(to) + 1);
    const range = `bytes ${from}-${Number(from) + body.length - 1}/${length}`;
    return { status: 206, headers: { ...metadata, "content-range": range }, body };
  };
}

async function readerOver(answer: (request: SeenRequest, index: number) => Answer, kind: LogLink["kind"] = "blob") {
  peer = await startPeer(answer);
  let asked = 0;
  const reader = createLogReader(async () => {
    asked += 1;
    return { kind, url: new Secret(`${peer!.url}/logs/rawtext.log?sig=hunter2-${asked}`) };
  });
  return { reader, asked: () => asked };
}
const text = (piece: { bytes: Uint8Array }) => Buffer.from(piece.bytes).toString();

describe("createLogReader", () => {
  test("reads a growing log piece by piece until it is complete", async () => {
    const state: { text: string; complete?: string } = { text: "" };
    const { reader, asked } = await readerOver(blob(state));
    expect(await reader.read(0, 4)).toMatchObject({ nextOffset: 0, complete: false });
    state.text = "hello\r\n";
    const first = await reader.read(0, 4);
    expect(first).toMatchObject({ nextOffset: 4, complete: false });
    expect(text(first)).toBe("hell");
    const second = await reader.read(4, 100);
    expect(text(second)).toBe("o\r\n");
    expect(second.complete).toBe(false);
    state.complete = "successful";
    expect(await reader.read(7, 100)).toMatchObject({ nextOffset: 7, complete: true });
    expect(asked()).toBe(1);
  });

  test("complete only once everything is read", async () => {
    const { reader } = await readerOver(
      blob({ text: "0123456789", complete: "failed", headerName: "X-MS-META-COMPLETE" }),
    );
    expect(await reader.read(0, 6)).toMatchObject({ nextOffset: 6, complete: false });
    expect(await reader.read(6, 6)).toMatchObject({ nextOffset: 10, complete: true });
  });

  test("an empty log that has ended is complete", async () => {
    const { reader } = await readerOver(blob({ text: "", complete: "canceled" }));
    expect(await reader.read(0, 10)).toMatchObject({ nextOffset: 0, complete: true });
  });

  test("no blob yet, or no link yet, is an empty log", async () => {
    const { reader } = await readerOver(() => ({ status: 404 }));
    expect(await reader.read(0, 10)).toMatchObject({ nextOffset: 0, complete: false });
    expect(await createLogReader(async () => undefined).read(3, 10)).toMatchObject({ nextOffset: 3, complete: false });
  });

  test("a 403 asks once for a fresh link", async () => {
    const answer = blob({ text: "log", complete: "successful" });
    const { reader, asked } = await readerOver((request, index) => (index === 0 ? { status: 403 } : answer(request)));
    expect(text(await reader.read(0, 10))).toBe("log");
    expect(asked()).toBe(2);
    expect(peer!.seen.at(-1)!.url).toContain("hunter2-2");
  });

  test("a second 403 gives up for now, without showing the link", async () => {
    const { reader, asked } = await readerOver(() => ({ status: 403, body: "sig=hunter2" }));
    const error = await reader.read(0, 10).catch((reason) => reason);
    expect(error).toBeInstanceOf(TransientError);
    expect(inspect(error, { depth: 9 })).not.toContain("hunter2");
    expect(asked()).toBe(2);
  });

  test("a lost connection is transient and shows no link", async () => {
    const { reader } = await readerOver(() => "reset");
    const error = await reader.read(0, 10).catch((reason) => reason);
    expect(error).toBeInstanceOf(TransientError);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("hunter2");
  });

  test("an archived log is complete at its end, with or without ranges", async () => {
    const { reader } = await readerOver(() => ({ body: "0123456789" }), "artifact");
    const first = await reader.read(0, 4);
    expect([text(first), first.nextOffset, first.complete]).toEqual(["0123", 4, false]);
    const last = await reader.read(4, 6);
    expect([text(last), last.nextOffset, last.complete]).toEqual(["456789", 10, true]);
    expect(await reader.read(10, 6)).toMatchObject({ nextOffset: 10, complete: true });
  });
});
