import { Readable } from "node:stream";
import { gunzipSync, gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { beforeEach, describe, expect, it } from "vitest";
import type { DigestLookup } from "../../src/core/image/digest-lookup.ts";
import { keys, rangeOf } from "../../src/core/state/keys.ts";
import type { Attempt, Inbox, Run, Track } from "../../src/core/state/rows.ts";
import { PermanentError, TransientError } from "../../src/errors.ts";
import { giveUpRunWork, type RunWorkPorts, runWork } from "../../src/handlers/run-work.ts";
import { Secret } from "../../src/secret.ts";
import { streamContext } from "../../src/source-context/context-stream.ts";
import { attemptOf, runOf, trackOf } from "../core/state/rows-of.ts";
import { Outside } from "./outside.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const digest = (n: number) => `sha256:${String(n).repeat(64)}`;

/** A commit's archive as GitHub makes it: everything under one folder. */
async function archive(files: Readonly<Record<string, string>>): Promise<Readable> {
  const packed = pack();
  for (const [name, text] of Object.entries(files)) packed.entry({ name: `acme-platform-aaaaaaa/${name}` }, text);
  packed.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packed as AsyncIterable<Buffer>) chunks.push(chunk);
  return Readable.from([gzipSync(Buffer.concat(chunks))]);
}

class World extends Outside {
  files: Readonly<Record<string, string>> = { "images/web/Dockerfile": "FROM scratch\n" };
  tarball: Readable | undefined;
  readonly uploaded: string[] = [];
  /** What was uploaded last, gzipped. */
  context = Buffer.alloc(0);
  uploadFault: Error | undefined;
  uploadTargetFault: Error | undefined;
  log_: { readonly text: string; readonly complete: boolean } = { text: "line\n", complete: true };
  logFault: Error | undefined;
  readonly kept = new Map<string, string>();
  readonly tags = new Map<string, DigestLookup>();
  readonly moved: string[] = [];
  onMove: (reference: string) => void | Promise<void> = () => {};
  #targets = 0;

  async ports(): Promise<RunWorkPorts> {
    return {
      rows: this.rows,
      queues: this.queues,
      now: this.clock,
      newId: this.newId,
      registry: await this.registries().find("acme"),
      github: {
        tarball: async () => {
          this.tarball = await archive(this.files);
          return this.tarball;
        },
      },
      acr: {
        uploadTarget: async () => {
          if (this.uploadTargetFault) throw this.uploadTargetFault;
          const relativePath = `source/${++this.#targets}.tar.gz`;
          return { uploadUrl: new Secret(relativePath), relativePath };
        },
        logReader: async () => ({
          read: async (offset, maxBytes) => {
            if (this.logFault) throw this.logFault;
            const bytes = encode(this.log_.text).subarray(offset, offset + maxBytes);
            const nextOffset = offset + bytes.byteLength;
            return {
              bytes,
              nextOffset,
              complete: this.log_.complete && nextOffset === encode(this.log_.text).byteLength,
            };
          },
        }),
      },
      streamContext: (tarball, contextPrefix, dockerfile, rewrite) =>
        streamContext({ tarball, contextPrefix, dockerfile, ...(rewrite && { rewrite }) }),
      // Like the real one: a stream that cannot be sent is destroyed.
      upload: async (stream, url) => {
        const fault = this.uploadFault;
        try {
          const chunks: Buffer[] = [];
          for await (const chunk of stream as AsyncIterable<Buffer>) {
            if (fault) throw fault;
            chunks.push(chunk);
          }
          this.context = Buffer.concat(chunks);
        } catch (error) {
          stream.destroy();
          throw fault ?? error;
        }
        this.uploaded.push(url.expose());
      },
      logs: {
        save: async (name, text) => {
          const chunks: Uint8Array[] = [];
          for await (const chunk of text) chunks.push(chunk);
          this.kept.set(name, Buffer.concat(chunks).toString());
          return Buffer.concat(chunks).byteLength;
        },
      },
      resolveDigest: async (reference) => this.tags.get(reference) ?? { kind: "absent" },
      moveTag: async (reference, to) => {
        await this.onMove(reference);
        this.moved.push(`${reference} ${to}`);
        this.tags.set(reference, { kind: "found", digest: to });
      },
      log: this.log,
    };
  }
  async store(run: Partial<Run>, attempt: Partial<Attempt>, track?: Track): Promise<void> {
    const { registry } = await this.ports();
    const made = attemptOf(attempt);
    await this.put(registry.partition, {
      [keys.run(12)]: runOf(run),
      [keys.attempt("acme-12", made.number)]: made,
      ...(track ? { [track.key]: track } : {}),
    });
  }
  async work(kind: "prepare" | "collect", runAttempt = 1): Promise<void> {
    await runWork({ kind, registry: "acme", run: "acme-12", runAttempt }, await this.ports());
  }
  async words(): Promise<readonly Inbox[]> {
    const { registry } = await this.ports();
    return (await this.rows.list(registry.partition, rangeOf("in"), 100)).map((r) => r.value as Inbox);
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});

describe("preparing a context", () => {
  it("sends it to ACR and says where it lies", async () => {
    await world.store({}, {});
    await world.work("prepare");
    expect(world.uploaded).toEqual(["source/1.tar.gz"]);
    expect(await world.words()).toEqual([
      {
        kind: "context-prepared",
        id: "acme-12.1.prepared",
        run: "acme-12",
        attempt: 1,
        sourceLocation: "source/1.tar.gz",
      },
    ]);
  });

  it("twice before the pass has read the answer sends it twice and is one answer still", async () => {
    await world.store({}, {});
    await world.work("prepare");
    await world.work("prepare");
    expect(await world.words()).toHaveLength(1);
  });

  it.each([
    ["of an attempt that is prepared already", { stage: "prepared" as const }, 1],
    ["of an attempt that has ended", { stage: "ended" as const }, 1],
    ["of an attempt nobody knows", {}, 7],
  ])("%s is nothing to do", async (_name, attempt, asked) => {
    await world.store({}, attempt);
    await world.work("prepare", asked);
    expect(world.uploaded).toEqual([]);
    expect(await world.words()).toEqual([]);
  });

  describe("with compat", () => {
    const base = "docker.io/library/debian:12";
    const text = "ARG V=12\nFROM --platform=linux/amd64 debian:$V AS build\nRUN true\n";
    const withCompat = { definition: { ...attemptOf({}).definition, compat: true as const } };

    it("sends FROM lines that ACR's scanner can read, pinned to what the attempt was decided on", async () => {
      world.files = { "images/web/Dockerfile": text, "images/web/file": "as it is" };
      await world.store({}, { ...withCompat, bases: { [base]: digest(1) } });
      await world.work("prepare");
      const tar = gunzipSync(world.context).toString();
      expect(tar).toContain(`ARG V=12\nFROM docker.io/library/debian@${digest(1)} AS build\nRUN true\n`);
      expect(tar).not.toContain("--platform");
      expect(tar).toContain("as it is");
    });

    it("and without it the Dockerfile is sent as it was written", async () => {
      world.files = { "images/web/Dockerfile": text };
      await world.store({}, { bases: { [base]: digest(1) } });
      await world.work("prepare");
      expect(gunzipSync(world.context).toString()).toContain(text);
    });

    it("ends the run with line and fix when the Dockerfile cannot be rewritten", async () => {
      world.files = { "images/web/Dockerfile": "FROM --platform=linux/arm64 debian:12\n" };
      await world.store({}, { ...withCompat, bases: { [base]: digest(1) } });
      await expect(world.work("prepare")).rejects.toMatchObject({
        name: "PermanentError",
        code: "dockerfile-invalid",
        message: expect.stringContaining("Dockerfile line 1: compat cannot take away --platform"),
      });
      expect(world.uploaded).toEqual([]);
    });
  });

  it("whose context is at fault says so with its code, not that the upload broke", async () => {
    world.files = { "images/api/Dockerfile": "FROM scratch\n" };
    world.uploadFault = new TransientError("upload the build context: storage answered nothing");
    await world.store({}, {});
    const fault = await world.work("prepare").catch((error: unknown) => error);
    expect(fault).toMatchObject({ name: "PermanentError", code: "context-missing" });
    await giveUpRunWork(
      { kind: "prepare", registry: "acme", run: "acme-12", runAttempt: 1 },
      fault as Error,
      await world.ports(),
    );
    expect(await world.words()).toEqual([
      expect.objectContaining({ kind: "context-failed", code: "context-missing", run: "acme-12", attempt: 1 }),
    ]);
    expect(world.tarball?.destroyed).toBe(true);
  });

  it("whose upload fails is tried again, and the download is let go", async () => {
    world.uploadFault = new TransientError("upload the build context: storage answered 503");
    await world.store({}, {});
    await expect(world.work("prepare")).rejects.toMatchObject({ name: "TransientError" });
    expect(world.tarball?.destroyed).toBe(true);
    expect(await world.words()).toEqual([]);
  });

  it("that ACR gives no place for leaves no download open", async () => {
    world.uploadTargetFault = new TransientError("429");
    await world.store({}, {});
    await expect(world.work("prepare")).rejects.toThrow("429");
    expect(world.tarball === undefined || world.tarball.destroyed).toBe(true);
  });

  it("that fails for half an hour ends the run as given up, so that it gives its slot back", async () => {
    world.uploadTargetFault = new TransientError("ARM: 503");
    await world.store({}, {});
    world.now += 1_799_999;
    await expect(world.work("prepare")).rejects.toMatchObject({ name: "TransientError" });
    world.now += 1;
    const error = await world.work("prepare").catch((e: Error) => e);
    expect(error).toMatchObject({ name: "PermanentError", message: expect.stringContaining("ARM: 503") });
    const message = { kind: "prepare", registry: "acme", run: "acme-12", runAttempt: 1 } as const;
    await giveUpRunWork(message, error as Error, await world.ports());
    expect(await world.words()).toMatchObject([
      { kind: "context-failed", code: "gave-up", message: expect.stringContaining("for half an hour: ARM: 503") },
    ]);
  });
});

describe("keeping the log of an ended run", () => {
  const ended = { stage: "ended" as const, acrRunId: "cf1", endedAt: "2026-11-23T12:00:00.000Z" };

  it("keeps it masked and says how long it is, and why the run failed", async () => {
    const token = `ghp_${"a1".repeat(20)}`;
    world.log_ = {
      text: `clone ${token}\nmake: *** no rule\n2026/11/23 12:00:00 Container failed during run\n`,
      complete: true,
    };
    await world.store({ status: "Failed", attempt: 1, acrRunId: "cf1" }, ended);
    await world.work("collect");
    const [[name, text]] = [...world.kept] as [[string, string]];
    expect(name).toMatch(/^acme@[0-9a-f]{16}\/acme-12\/1\.log$/);
    expect(text).toBe(world.log_.text.replace(token, "*".repeat(token.length)));
    expect(await world.words()).toEqual([
      expect.objectContaining({ kind: "log-collected", blob: name, bytes: text.length, failure: "make: *** no rule" }),
    ]);
  });

  it("says no last words of a run that succeeded", async () => {
    await world.store({ status: "Succeeded" }, ended);
    await world.work("collect");
    expect((await world.words())[0]).not.toHaveProperty("failure");
  });

  it("that is not complete yet comes again, for ten minutes; then it is kept as it is", async () => {
    world.log_ = { text: "half a", complete: false };
    await world.store({ status: "Failed" }, ended);
    await expect(world.work("collect")).rejects.toMatchObject({ name: "TransientError", retryAfterSeconds: 5 });
    expect(await world.words()).toEqual([]);
    world.now += 600_000;
    await world.work("collect");
    expect(await world.words()).toMatchObject([{ kind: "log-collected", bytes: 6 }]);
  });

  it("that ACR no longer has is answered all the same: nothing stays owed", async () => {
    world.logFault = new PermanentError("acr-not-found", "no such run");
    await world.store({ status: "Failed" }, ended);
    await world.work("collect");
    expect(await world.words()).toMatchObject([{ kind: "log-collected", bytes: 0 }]);
  });

  it("of an attempt that never reached ACR asks for none", async () => {
    world.logFault = new Error("asked for a log that cannot be");
    await world.store({ status: "Canceled" }, { stage: "ended" });
    await world.work("collect");
    expect(await world.words()).toMatchObject([{ kind: "log-collected", bytes: 0 }]);
  });
});

describe("the stable tags after a run (R6)", () => {
  const stable = "acme.azurecr.io/web:main";
  const built = (n: number): Track["built"] => ({
    commit: "c",
    inputs: "i",
    definition: "d",
    bases: {},
    proved: true,
    digest: digest(n),
    run: "acme-11",
    at: "",
  });
  const at = (n: number): DigestLookup => ({ kind: "found", digest: digest(n) });
  const collect = async (change: Partial<Track>) => {
    await world.store({ status: "Canceled" }, { stage: "ended" }, trackOf("web", [], change));
    await world.work("collect");
  };

  it("are put right when a late finisher has moved one, and when one is gone", async () => {
    world.tags.set(stable, at(9));
    await collect({ built: built(1) });
    expect(world.moved).toEqual([`${stable} ${digest(1)}`]);
    world.tags.delete(stable);
    await world.work("collect");
    expect(world.moved).toHaveLength(2);
  });

  it.each<[string, Partial<Track>, DigestLookup]>([
    ["are right already", { built: built(1) }, at(1)],
    [
      "another run of the track is about to push",
      { built: built(1), active: { id: "acme-13", order: 13, waves: [] } },
      at(9),
    ],
    ["nothing was ever built", {}, at(9)],
  ])("are left alone when they %s", async (_name, change, now) => {
    world.tags.set(stable, now);
    await collect(change);
    expect(world.moved).toEqual([]);
    expect(await world.words()).toHaveLength(1);
  });

  it("are looked at later when the registry does not answer now: nothing is said to be done", async () => {
    world.tags.set(stable, { kind: "unknown", why: "503" });
    await expect(collect({ built: built(1) })).rejects.toThrow(TransientError);
    expect([world.moved, await world.words()]).toEqual([[], []]);
  });

  it("that another image makes by now are pointed at what that one built", async () => {
    const { registry } = await world.ports();
    world.tags.set(stable, at(9));
    const renamed = trackOf("shop", [], { built: built(3) });
    await world.put(registry.partition, { [renamed.key]: renamed, [keys.makes(stable)]: { track: renamed.key } });
    await collect({ makes: [] });
    expect(world.moved).toEqual([`${stable} ${digest(3)}`]);
  });

  it("are looked at again after one was moved: a run may have ended meanwhile with a newer image", async () => {
    world.tags.set(stable, at(9));
    const { registry } = await world.ports();
    world.onMove = async () => {
      world.onMove = () => {};
      const newer = trackOf("web", [], { built: built(2) });
      await world.put(registry.partition, { [newer.key]: newer });
    };
    await collect({ built: built(1) });
    expect(world.moved).toEqual([`${stable} ${digest(1)}`, `${stable} ${digest(2)}`]);
  });

  it("that the registry will not move are said so in the log, and the work is answered", async () => {
    world.tags.set(stable, at(9));
    world.onMove = () => {
      throw new PermanentError("tag-locked", "the tag is locked");
    };
    await collect({ built: built(1) });
    expect(world.logs.map((l) => l.message)).toContain("stable tag cannot be put right");
    expect(await world.words()).toHaveLength(1);
  });

  it("that could not be moved just now keep the work owed", async () => {
    world.tags.set(stable, at(9));
    world.onMove = () => {
      throw new TransientError("503");
    };
    await expect(collect({ built: built(1) })).rejects.toThrow("503");
    expect(await world.words()).toEqual([]);
  });
});
