import { Readable } from "node:stream";
import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { uploadContext } from "../../src/azure/upload-context.ts";
import { PermanentError, TransientError } from "../../src/errors.ts";
import { Secret } from "../../src/secret.ts";
import { type Answer, type Peer, type SeenRequest, startPeer } from "../support/scripted-peer.ts";

let peer: Peer;
afterEach(async () => {
  await peer.close();
});

async function storage(answer: (request: SeenRequest) => Answer = () => ({ status: 201 })) {
  peer = await startPeer(answer);
  return new Secret(`${peer.url}/container/source/a.tar.gz?sv=2024-01-01&sr=b&sp=cw&sig=hunter2`);
}
const comp = (request: SeenRequest) => new URL(request.url, "http://x").searchParams.get("comp");

describe("uploadContext", () => {
  test("puts blocks and commits them in order, with the SAS and no other credential", async () => {
    const url = await storage();
    const data = Buffer.alloc(2_500_000, "abc");
    await uploadContext(Readable.from([data.subarray(0, 1_300_000), data.subarray(1_300_000)]), url);
    const blocks = peer.seen.filter((request) => comp(request) === "block");
    const [commit] = peer.seen.filter((request) => comp(request) === "blocklist");
    const ids = [...commit!.body.toString().matchAll(/<Latest>([^<]+)</g)].map(([, id]) => id);
    const bodies = ids.map(
      (id) => blocks.find((block) => new URL(block.url, "http://x").searchParams.get("blockid") === id)!.body,
    );
    expect(Buffer.concat(bodies).equals(data)).toBe(true);
    expect(commit!.headers["x-ms-blob-content-type"]).toBe("application/gzip");
    for (const request of peer.seen) {
      expect(request.url).toContain("sig=hunter2");
      expect(request.headers.authorization).toBeUndefined();
    }
  });

  test("a stream that fails commits nothing, and its own error comes out", async () => {
    const url = await storage();
    const failing = Readable.from(
      (async function* () {
        yield Buffer.alloc(1_200_000);
        throw new PermanentError("dockerfile-missing", "there is no Dockerfile");
      })(),
    );
    await expect(uploadContext(failing, url)).rejects.toMatchObject({ code: "dockerfile-missing" });
    expect(peer.seen.filter((request) => comp(request) === "blocklist")).toHaveLength(0);
  });

  test("a refused upload is transient, stops the stream and does not show the SAS", async () => {
    const url = await storage(() => ({
      status: 403,
      body: "<Error><Code>AuthenticationFailed</Code><Message>sig=hunter2</Message></Error>",
      headers: { "content-type": "application/xml" },
    }));
    const stream = Readable.from([Buffer.alloc(10)]);
    const error = await uploadContext(stream, url).catch((reason) => reason);
    expect(error).toBeInstanceOf(TransientError);
    expect(error.message).toContain("403");
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain("hunter2");
    expect(stream.destroyed).toBe(true);
  });
});
