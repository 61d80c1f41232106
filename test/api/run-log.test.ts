import { beforeEach, describe, expect, it } from "vitest";
import type { LogReader } from "../../src/ports.ts";
import { runOf } from "../core/state/rows-of.ts";
import { ApiWorld } from "./api-world.ts";

let world: ApiWorld;
let text: string;
let complete: boolean;
/** ACR's log as it stands. */
const reader: LogReader = {
  read: async (offset, maxBytes) => {
    const all = new TextEncoder().encode(text);
    const bytes = all.subarray(offset, offset + maxBytes);
    const nextOffset = Math.min(offset, all.byteLength) + bytes.byteLength;
    return { bytes, nextOffset, complete: complete && nextOffset >= all.byteLength };
  },
};
beforeEach(async () => {
  world = new ApiWorld();
  world.acrLog = reader;
  text = "";
  complete = false;
  await world.store([runOf({ status: "Running", acrRunId: "cf1" })]);
});

async function part(offset = 0, follow = false) {
  const {
    status,
    headers,
    text: body,
  } = await world.get("runs/acme-12/log", {
    offset: String(offset),
    follow: String(follow),
  });
  expect(status, body).toBe(200);
  return {
    text: body,
    next: Number(headers["x-slipway-log-next"]),
    complete: headers["x-slipway-log-complete"] === "true",
  };
}
const token = `ghp_${"a1".repeat(20)}`;

describe("the log of a run that is under way", () => {
  it("is given in whole lines; the rest comes with the next part", async () => {
    text = "one\ntwo\nthr";
    expect(await part()).toEqual({ text: "one\ntwo\n", next: 8, complete: false });
    text = "one\ntwo\nthree\n";
    expect(await part(8)).toEqual({ text: "three\n", next: 14, complete: false });
    text = "one\ntwo\nthree\nend";
    complete = true;
    expect(await part(14)).toEqual({ text: "end", next: 17, complete: true });
  });

  it("shows no secret, whole or while it is being written", async () => {
    text = `clone https://x:${token.slice(0, 20)}`;
    expect((await part()).text).toBe("");
    text = `clone https://x:${token}@github.com/a/b\n`;
    const got = await part();
    expect(got.text).not.toContain("a1a1");
    expect(got.next).toBe(text.length);
  });

  it("shows no secret to whoever asks for it from its middle", async () => {
    text = `first\ntoken ${token} is here\nlast\n`;
    for (let offset = 0; offset <= text.length; offset++) {
      const got = await part(offset);
      expect(got.text, `from ${offset}`).not.toContain("a1");
      expect(got.text, `from ${offset}`).toBe(text.replace(token, "*".repeat(token.length)).slice(offset));
      expect(got.next).toBe(text.length);
    }
  });

  it("is nothing, and not complete, before there is any", async () => {
    expect(await part()).toEqual({ text: "", next: 0, complete: false });
    await world.store([runOf()]);
    expect(await part(5)).toEqual({ text: "", next: 5, complete: false });
  });

  it("follows: answers as soon as there is a line", async () => {
    world.onSleep = () => {
      if (world.slept >= 1500) text = "at last\n";
    };
    expect(await part(0, true)).toEqual({ text: "at last\n", next: 8, complete: false });
    expect(world.slept).toBe(1500);
  });

  it("follows for twenty seconds and then answers with nothing", async () => {
    expect(await part(0, true)).toEqual({ text: "", next: 0, complete: false });
    expect(world.slept).toBe(20_000);
  });

  it("does not wait for whoever does not follow", async () => {
    await part();
    expect(world.slept).toBe(0);
  });
});

describe("the log of a run that is kept", () => {
  it("comes from our copy, from any offset, and says where it ends", async () => {
    world.keptLog = new TextEncoder().encode("kept\nlog\n");
    world.acrLog = {
      read: async () => {
        throw new Error("ACR was asked");
      },
    };
    await world.store([runOf({ status: "Succeeded", acrRunId: "cf1", log: { blob: "b", bytes: 9 } })]);
    expect(await part()).toEqual({ text: "kept\nlog\n", next: 9, complete: true });
    expect(await part(5)).toEqual({ text: "log\n", next: 9, complete: true });
    expect(await part(9)).toEqual({ text: "", next: 9, complete: true });
  });

  it("is complete and empty for a run that never reached ACR", async () => {
    await world.store([runOf({ status: "Skipped", ended: { code: "nothing-changed", message: "m" } })]);
    expect(await part()).toEqual({ text: "", next: 0, complete: true });
  });

  it("is plain text to a browser, whatever a build has printed", async () => {
    text = "<script>alert(1)</script>\n";
    const { headers } = await world.get("runs/acme-12/log");
    expect(headers).toMatchObject({ "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" });
  });
});
