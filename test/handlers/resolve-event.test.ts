import { beforeEach, describe, expect, it } from "vitest";
import { parseSlipwayYaml } from "../../src/config/slipway-yaml.ts";
import type { Platform } from "../../src/core/config/platform.ts";
import { key, keys, rangeOf } from "../../src/core/state/keys.ts";
import type { Decision, Inbox, SnapshotImage, Track } from "../../src/core/state/rows.ts";
import { TransientError } from "../../src/errors.ts";
import type { RefMoved } from "../../src/handlers/messages.ts";
import { platformPartition } from "../../src/handlers/registries.ts";
import {
  type Delivery,
  deliveriesPartition,
  giveUpEvent,
  type ResolvePorts,
  resolveEvent,
} from "../../src/handlers/resolve-event.ts";
import type { Note } from "../../src/handlers/resolve-ref.ts";
import { commit, GitHub, main, yaml } from "./github.ts";
import { Outside, platformOf } from "./outside.ts";

let outside: Outside;
let github: GitHub;
let ports: ResolvePorts;
function portsOf(
  aliases: readonly string[],
  gone: readonly string[] = [],
  publish?: Platform["publish"],
): ResolvePorts {
  return {
    rows: outside.rows,
    deliveries: outside.rows,
    queues: outside.queues,
    now: outside.clock,
    newId: outside.newId,
    github,
    platform: platformOf(aliases, publish),
    registries: outside.registries(aliases, gone),
    parseConfig: parseSlipwayYaml,
    tracksOf: async (registry, source, ref) =>
      (await outside.rows.list(registry.partition, rangeOf("track", String(source.id), ref), 100)).map(
        (r) => r.value as Track,
      ),
    makerOf: async ({ partition }, reference) =>
      (await outside.value<{ track: string }>(partition, keys.makes(reference)))?.track,
    resolveDigest: async () => ({ kind: "unknown", why: "no registry in this test" }),
    settleSeconds: 30,
    log: outside.log,
  };
}
beforeEach(() => {
  outside = new Outside();
  github = new GitHub();
  ports = portsOf(["acme"]);
});

function pushed(change: Partial<RefMoved> = {}): RefMoved {
  return {
    kind: "ref-moved",
    eventId: "delivery-1",
    origin: "delivery",
    receivedAt: "2026-11-23T12:00:00.000Z",
    sourceId: 7,
    fullName: "acme/platform",
    ref: main,
    before: commit(1),
    after: commit(2),
    deleted: false,
    ...change,
  };
}
const resolve = (change: Partial<RefMoved> = {}) => resolveEvent(pushed(change), ports);

async function partitionOf(alias = "acme"): Promise<string> {
  return (await ports.registries.find(alias)).partition;
}
async function words(alias = "acme"): Promise<readonly (Inbox & { kind: "ref-moved" })[]> {
  const rows = await outside.rows.list(await partitionOf(alias), rangeOf("in"), 100);
  return rows.map((r) => r.value as Inbox & { kind: "ref-moved" });
}
async function decision(id = "delivery-1"): Promise<Decision | undefined> {
  const pointer = await outside.value<{ key: string }>(platformPartition, keys.decided(id));
  return pointer && outside.value<Decision>(platformPartition, pointer.key);
}
const note = (id = "delivery-1") => outside.value<Note>(platformPartition, keys.due("note", id));
const delivery = (id = "delivery-1") => outside.value<Delivery>(deliveriesPartition, key(id));

describe("a push", () => {
  it("becomes one word for the registry: the ref as it is now, and what its commit says", async () => {
    await resolve({ changedPaths: ["web/Dockerfile"], by: "ada" });
    const [word, ...more] = await words();
    expect(more).toEqual([]);
    expect(word).toMatchObject({
      id: "delivery-1",
      cause: { kind: "delivery", id: "delivery-1", event: "push", by: "ada" },
      snapshot: { ref: main, generation: 1, commit: commit(2), changedPaths: ["web/Dockerfile"], refused: [] },
    });
    expect(word?.snapshot.images).toEqual([
      expect.objectContaining({
        name: "web",
        makes: ["acme.azurecr.io/web:main"],
        bases: [{ reference: "docker.io/library/node:20", class: "runtime", pinned: false }],
      }),
    ]);
    expect(outside.sentTo("registries")).toHaveLength(1);
    expect(await delivery()).toMatchObject({ state: "done", seen: 1, outcome: "left word for 1 registry" });
  });

  it("names to each registry its images that are not built from this ref, beside those that are", async () => {
    ports = portsOf(["acme", "beta"]);
    const elsewhere = yaml({ nightly: "acme", other: "beta" }).split("images:\n")[1]!.replaceAll("main", "release");
    github.files.set("slipway.yaml", yaml({ web: "acme" }) + elsewhere);
    await resolve();
    expect((await words())[0]?.snapshot.unwatched).toEqual(["nightly"]);
    expect(await words("beta")).toEqual([]);
  });

  it("tells the commit how many images its slipway.yaml builds from here", async () => {
    await resolve();
    expect((await note())?.statuses).toEqual([
      {
        state: "success",
        context: "slipway/config",
        description: "slipway.yaml is valid: 1 image is built from this ref",
      },
    ]);
    expect(outside.sentTo("reports")[0]?.body).toEqual({ kind: "note", note: "delivery-1" });
  });

  it("says the head that GitHub has, not the one the payload names", async () => {
    github.heads.set(main, commit(3));
    await resolve();
    expect((await words())[0]?.snapshot.commit).toBe(commit(3));
  });

  it("counts its readings, so that a late word can be told from a new one", async () => {
    await resolve();
    outside.now += 1000;
    github.heads.set(main, commit(3));
    await resolve({ eventId: "delivery-2", before: commit(2), after: commit(3) });
    expect((await words()).map((w) => w.snapshot.generation)).toEqual([1, 2]);
  });

  it("has the same inputs for the same files, whatever the commit, and others for other files", async () => {
    const inputs = async (id: string, n: number) => {
      outside.now += 1000;
      github.heads.set(main, commit(n));
      await resolve({ eventId: id, after: commit(n) });
      return (await words()).at(-1)!.snapshot.images[0]!.inputs;
    };
    const first = await inputs("d-1", 2);
    github.files.set("README.md", "elsewhere");
    expect(await inputs("d-2", 3)).toBe(first);
    github.files.set("web/index.js", "1");
    expect(await inputs("d-3", 4)).not.toBe(first);
  });
});

describe("nothing to build", () => {
  it("without slipway.yaml is a decision, and no word", async () => {
    github.files.delete("slipway.yaml");
    await resolve();
    expect(await words()).toEqual([]);
    expect((await decision())?.skipped).toEqual([
      { reason: "no-slipway-yaml", count: 0, images: [], message: "there is no slipway.yaml at this commit" },
    ]);
    expect(github.asked).not.toContain("tree");
    expect((await delivery())?.state).toBe("done");
  });

  it("from a ref that nothing is built from is one too, and reads no tree", async () => {
    github.heads.set("refs/heads/topic", commit(2));
    await resolve({ ref: "refs/heads/topic" });
    expect((await decision())?.skipped[0]?.reason).toBe("ref-not-watched");
    expect(github.asked).not.toContain("tree");
    expect(await note()).toBeUndefined();
  });

  it("with a slipway.yaml that is wrong names line, key and fix, to the commit and in the record", async () => {
    github.files.set(
      "slipway.yaml",
      "version: 1\nimages:\n  web:\n    registry: acme\n    repository: web\n    contxt: web\n",
    );
    await resolve();
    expect(await words()).toEqual([]);
    const status = (await note())?.statuses[0];
    expect(status).toMatchObject({ state: "failure", context: "slipway/config" });
    expect(status?.description).toMatch(/slipway\.yaml line 6, images\.web.*did you mean `context`/);
    const recorded = await decision();
    expect(recorded?.skipped[0]?.reason).toBe("invalid-config");
    expect(recorded?.problems).toContainEqual(
      expect.objectContaining({ line: 6, key: "images.web.contxt", fix: "did you mean `context`?" }),
    );
    expect(outside.sentTo("reports")).toHaveLength(1);
  });

  it("with a slipway.yaml larger than is read says so to the commit", async () => {
    github.files.set("slipway.yaml", `version: 1\n${"# much\n".repeat(40_000)}`);
    await resolve();
    expect((await note())?.statuses[0]).toMatchObject({ state: "failure", context: "slipway/config" });
    expect((await decision())?.skipped[0]).toMatchObject({ reason: "invalid-config" });
  });

  it("for a repository that no rule names reads nothing from GitHub at all", async () => {
    ports = portsOf(["acme"], [], [{ from: 999, to: "**" }]);
    await resolve();
    expect(github.asked).toEqual([]);
    expect((await decision())?.skipped[0]?.reason).toBe("source-not-allowed");
  });

  it("for a repository whose present name no rule allows stops there, whatever the message called it", async () => {
    github.source = { provider: "github", id: 7, fullName: "stranger/platform" };
    await resolve();
    expect(github.asked).toEqual(["repository"]);
    expect((await decision())?.skipped[0]?.reason).toBe("source-not-allowed");
  });

  it("for a repository that no rule names any more is said once of each head the sweep finds, not every few minutes", async () => {
    const seen = () => outside.value(platformPartition, keys.seen(7, main));
    ports = portsOf(["acme"], [], [{ from: 999, to: "**" }]);
    await resolve();
    expect(await seen()).toBeUndefined();
    await resolve({ origin: "sweep", eventId: "sweep-1", before: undefined });
    expect(await seen()).toMatchObject({ sha: commit(2) });
    await resolve({ origin: "sweep", eventId: "sweep-2", before: undefined, after: undefined, deleted: true });
    expect(await seen()).toBeUndefined();
  });

  it("for a repository GitHub does not show us asks whether the App is installed", async () => {
    github.source = undefined;
    await resolve();
    expect((await decision())?.skipped[0]).toMatchObject({
      reason: "source-not-readable",
      message: expect.stringContaining("is the App installed"),
    });
  });
});

describe("an image that is refused", () => {
  const refusals = async () => {
    await resolve();
    const [word] = await words();
    const said = (await note())?.statuses.filter((s) => s.context !== "slipway/config");
    return { word, refused: word?.snapshot.refused, said };
  };

  it("because its repository may not publish there is told to the commit; its Dockerfile is not read", async () => {
    ports = portsOf(["acme"], [], [{ from: "acme/*", to: "other/**" }]);
    const { refused, said } = await refusals();
    const message = "acme/platform may not publish to acme/web";
    expect(refused).toEqual([{ image: "web", reason: "not-allowed-to-publish", message }]);
    expect(said).toEqual([{ state: "failure", context: "slipway/web", description: message }]);
    expect(github.asked).not.toContain("file web/Dockerfile");
  });

  it("is told to the commit, and of many only the first fifty", async () => {
    const names = Array.from({ length: 60 }, (_, i) => `api${i}`);
    github.files.set("slipway.yaml", yaml(Object.fromEntries([...names, "web"].map((name) => [name, "acme"]))));
    const { refused, said } = await refusals();
    expect(refused).toHaveLength(60);
    expect(said).toHaveLength(50);
    expect((await note())?.statuses[0]?.description).toContain("1 image is built");
  });

  it("because its Dockerfile is not there is told, and its neighbours go on", async () => {
    github.files.set("slipway.yaml", yaml({ web: "acme", api: "acme" }));
    const { word, refused } = await refusals();
    expect(refused).toMatchObject([{ image: "api", reason: "dockerfile-missing" }]);
    expect(word?.snapshot.images.map((i) => i.name)).toEqual(["web"]);
  });

  it("because its Dockerfile cannot be read names the line", async () => {
    github.files.set("web/Dockerfile", "RUN true\n");
    const { refused } = await refusals();
    expect(refused).toMatchObject([
      { reason: "dockerfile-invalid", message: expect.stringMatching(/web\/Dockerfile line \d+/) },
    ]);
  });

  it("because its Dockerfile is larger than is read is told, and its neighbours go on", async () => {
    github.files.set("slipway.yaml", yaml({ web: "acme", api: "acme" }));
    github.files.set("api/Dockerfile", `FROM docker.io/library/node:20\n${"# certificates\n".repeat(20_000)}`);
    const { word, refused } = await refusals();
    expect(refused).toMatchObject([
      { reason: "dockerfile-invalid", message: expect.stringMatching(/over 256 KiB; COPY/) },
    ]);
    expect(word?.snapshot.images.map((i) => i.name)).toEqual(["web"]);
  });

  it("because another image makes its tag is told, and left for the pass to refuse", async () => {
    const web = "acme.azurecr.io/web:main";
    const makes = async (track: string) => outside.put(await partitionOf(), { [keys.makes(web)]: { track } });
    await makes(keys.track(99, main, "web"));
    const { word, refused } = await refusals();
    expect([word?.snapshot.images.map((i) => i.name), refused]).toEqual([["web"], []]);
    expect((await note())?.statuses).toMatchObject([
      { context: "slipway/config", description: "slipway.yaml is valid: 0 images are built from this ref" },
      { state: "failure", context: "slipway/web", description: `${web} is already made by another image or ref` },
    ]);
  });

  it("because a neighbour that cannot be read keeps its tag is told, too", async () => {
    github.files.set("slipway.yaml", yaml({ web: "acme", api: "acme" }));
    const web = "acme.azurecr.io/web:main";
    const track: Partial<Track> = {
      image: "api",
      bases: [],
      makes: [web],
      wanted: { commit: "", inputs: "", definition: "" },
    };
    const api = keys.track(7, main, "api");
    await outside.put(await partitionOf(), { [api]: track, [keys.makes(web)]: { track: api } });
    await refusals();
    expect((await note())?.statuses.map((s) => s.context)).toEqual(["slipway/config", "slipway/api", "slipway/web"]);
  });

  it("because it names more images than are followed, or makes more tags than fit one, says how many may be", async () => {
    const copies = Array.from({ length: 20 }, (_, i) => `COPY --from=docker.io/library/b${i}:1 / /\n`);
    github.files.set("web/Dockerfile", `FROM docker.io/library/node:20\n${copies.join("")}`);
    const tags = Array.from({ length: 9 }, (_, i) => `"t${i}"`);
    const many = `\n    tags: { stable: [${tags}] }\n    on:`;
    github.files.set(
      "slipway.yaml",
      yaml({ web: "acme" }) + yaml({ api: "acme" }).split("images:\n")[1]!.replace("\n    on:", many),
    );
    github.files.set("api/Dockerfile", "FROM docker.io/library/node:20\n");
    const { refused } = await refusals();
    expect(refused).toMatchObject([
      { image: "web", reason: "too-many-bases", message: expect.stringContaining("at most 20") },
      { image: "api", reason: "too-many-tags", message: expect.stringContaining("at most 8") },
    ]);
  });

  it("because nobody knows its registry keeps what it has: it is not an image that was removed", async () => {
    github.files.set("slipway.yaml", yaml({ web: "acme", api: "nowhere" }));
    const { refused } = await refusals();
    expect(refused).toMatchObject([{ image: "api", reason: "unknown-registry" }]);
  });
});

describe("reading a ref", () => {
  const plan = async (image: SnapshotImage, change: Partial<Track> = {}) => {
    const track: Partial<Track> = {
      image: image.name,
      bases: image.bases,
      makes: image.makes,
      dockerfileSha: image.dockerfileSha,
      wanted: { commit: commit(2), inputs: image.inputs, definition: image.definitionKey },
      ...change,
    };
    await outside.put(await partitionOf(), { [keys.track(7, main, image.name)]: track });
  };

  it("does not fetch a Dockerfile again that has not changed since it was planned", async () => {
    await resolve();
    await plan((await words())[0]!.snapshot.images[0]!);
    github.asked.length = 0;
    outside.now += 1000;
    await resolve({ eventId: "delivery-2" });
    expect(github.asked).not.toContain("file web/Dockerfile");
    const [first, second] = (await words()).map((w) => w.snapshot.images[0]!.bases);
    expect(second).toEqual(first);
  });

  it("fetches it when it changed, and when only the definition did", async () => {
    await resolve();
    const planned = (await words())[0]!.snapshot.images[0]!;
    await plan({ ...planned, dockerfileSha: "another" });
    github.asked.length = 0;
    await resolve({ eventId: "delivery-2" });
    expect(github.asked).toContain("file web/Dockerfile");
    await plan({ ...planned, definitionKey: "another" });
    github.asked.length = 0;
    await resolve({ eventId: "delivery-3" });
    expect(github.asked).toContain("file web/Dockerfile");
  });

  it("finds the bases of an image that left and comes back while its last run is still at ACR", async () => {
    await resolve();
    const image = (await words())[0]!.snapshot.images[0]!;
    await plan(image, { retired: true, bases: [], makes: [] });
    outside.now += 1000;
    await resolve({ eventId: "delivery-2" });
    expect((await words())[1]!.snapshot.images[0]!.bases).toEqual(image.bases);
  });

  it("of a tree too large to list counts every commit as a change, and still finds the Dockerfile", async () => {
    github.truncated = true;
    await resolve();
    expect((await words())[0]?.snapshot.images[0]).toMatchObject({
      name: "web",
      inputs: `commit:${commit(2)}`,
      dockerfileSha: `commit:${commit(2)}`,
    });
  });
});

describe("GitHub that lags behind its own webhook", () => {
  it.each([
    ["shows the old head", commit(1)],
    ["does not show the new ref", undefined],
  ])("and %s is asked again later; the delivery is not done", async (_name, head) => {
    if (head) github.heads.set(main, head);
    else github.heads.delete(main);
    await resolve();
    expect(await words()).toEqual([]);
    expect((await delivery())?.state).toBe("received");
    expect(outside.sentTo("events")).toMatchObject([{ delaySeconds: 2, body: { eventId: "delivery-1", lagged: 1 } }]);
    github.heads.set(main, commit(2));
    await resolve({ lagged: 1 });
    expect((await words())[0]?.snapshot.commit).toBe(commit(2));
    expect((await delivery())?.state).toBe("done");
  });

  it("is asked with longer pauses and believed in the end", async () => {
    github.heads.set(main, commit(1));
    for (let lagged = 0; lagged < 5; lagged++) await resolve({ lagged });
    expect(outside.sentTo("events").map((s) => s.delaySeconds)).toEqual([2, 4, 8, 16, 32]);
    await resolve({ lagged: 5 });
    expect(outside.sentTo("events")).toHaveLength(5);
    expect((await words())[0]?.snapshot.commit).toBe(commit(1));
  });

  it("is not suspected when the head is a third one: somebody pushed since", async () => {
    github.heads.set(main, commit(9));
    await resolve();
    expect((await words())[0]?.snapshot.commit).toBe(commit(9));
  });
});

describe("a delivery", () => {
  it("that was worked off is dropped when it comes again, and counted", async () => {
    await resolve();
    github.asked.length = 0;
    await resolve();
    expect(github.asked).toEqual([]);
    expect(await words()).toHaveLength(1);
    expect(await delivery()).toMatchObject({ state: "done", seen: 2, outcome: "left word for 1 registry" });
  });

  it("that failed on our side gets through when it is redelivered", async () => {
    github.meanwhile = async () => {
      throw new TransientError("GitHub: 502");
    };
    await expect(resolve()).rejects.toThrow("502");
    expect((await delivery())?.state).toBe("received");
    await giveUpEvent(pushed(), new Error("GitHub: 502 for three days"), ports);
    expect(await delivery()).toMatchObject({ state: "failed", outcome: "GitHub: 502 for three days" });
    expect((await decision())?.skipped[0]?.reason).toBe("delivery-failed");
    github.meanwhile = async () => {};
    await resolve();
    expect(await words()).toHaveLength(1);
    expect(await delivery()).toMatchObject({ state: "done", seen: 2 });
  });
});

describe("two events of one ref at the same time", () => {
  it.each([
    ["met for the first time", 0],
    ["known for long", 5],
  ])("%s end with the head as read last: who finds that another was quicker reads it again", async (_name, known) => {
    if (known > 0) await outside.put(await partitionOf(), { [keys.refGeneration(7, main)]: { generation: known } });
    let reads = 0;
    github.meanwhile = async () => {
      if (++reads > 1) return;
      // While the first is still reading, the ref moves on and the second is through before it.
      github.heads.set(main, commit(3));
      await resolve({ eventId: "delivery-2", before: commit(2), after: commit(3) });
    };
    await resolve();
    const left = (await words()).map((w) => [w.id, w.snapshot.generation, w.snapshot.commit]);
    expect(left.toSorted()).toEqual([
      ["delivery-1", known + 2, commit(3)],
      ["delivery-2", known + 1, commit(3)],
    ]);
    expect(reads).toBe(3);
  });
});

describe("a deleted ref", () => {
  it("that was built from is told to the registry as gone", async () => {
    await resolve();
    github.heads.delete(main);
    outside.now += 1000;
    await resolve({ eventId: "delivery-2", before: commit(2), after: undefined, deleted: true });
    const last = (await words()).at(-1);
    expect(last?.snapshot).toMatchObject({ generation: 2, images: [] });
    expect(last?.snapshot.commit).toBeUndefined();
    expect(await outside.value(platformPartition, keys.seen(7, main))).toBeUndefined();
  });

  it("that was never heard of is only a decision", async () => {
    github.heads.delete("refs/heads/topic");
    await resolve({ ref: "refs/heads/topic", after: undefined, deleted: true });
    expect(await words()).toEqual([]);
    expect((await decision())?.skipped[0]?.reason).toBe("ref-deleted");
  });

  it("that was made again meanwhile is read as it is", async () => {
    await resolve({ after: undefined, deleted: true, before: commit(1) });
    expect((await words())[0]?.snapshot.commit).toBe(commit(2));
  });
});

describe("several registries", () => {
  beforeEach(() => {
    ports = portsOf(["acme", "beta", "idle"]);
    github.files.set("slipway.yaml", yaml({ web: "acme", api: "beta" }));
    github.files.set("api/Dockerfile", "FROM scratch\n");
  });

  it("each get their own images; one that has none hears nothing", async () => {
    await resolve();
    const names = async (alias: string) => (await words(alias)).map((w) => w.snapshot.images.map((i) => i.name));
    expect([await names("acme"), await names("beta"), await names("idle")]).toEqual([[["web"]], [["api"]], []]);
    expect(await delivery()).toMatchObject({ outcome: "left word for 2 registries" });
  });

  it("hear that an image moved from one to the other", async () => {
    await resolve();
    outside.now += 1000;
    github.files.set("slipway.yaml", yaml({ web: "acme", api: "acme" }));
    await resolve({ eventId: "delivery-2" });
    expect((await words("beta")).at(-1)?.snapshot.images).toEqual([]);
    expect((await words("acme")).at(-1)?.snapshot.images.map((i) => i.name)).toEqual(["web", "api"]);
  });

  it("do not wait for one that ARM does not show us and that nothing here is for", async () => {
    ports = portsOf(["acme", "beta", "idle"], ["idle"]);
    await resolve();
    expect(await words("acme")).toHaveLength(1);
    expect(outside.logs.map((l) => l.message)).toContain("registry cannot be had");
    // Else the sweep would find every ref again and again for as long as that lasts.
    expect(await outside.value(platformPartition, keys.seen(7, main))).toMatchObject({ sha: commit(2) });
  });

  it("do not wait for one that ARM does not show us although an image is for it; that image says why", async () => {
    ports = portsOf(["acme", "beta"], ["beta"]);
    await resolve();
    const [word] = await words("acme");
    expect(word?.snapshot.images.map((i) => i.name)).toEqual(["web"]);
    expect(word?.snapshot.refused).toMatchObject([
      { image: "api", reason: "unknown-registry", message: expect.stringContaining("ARM knows no registry beta") },
    ]);
    expect((await note())?.statuses).toContainEqual(
      expect.objectContaining({ state: "failure", context: "slipway/api" }),
    );
    // The sweep finds this head again, so that the image is built once the registry is there.
    expect(await outside.value(platformPartition, keys.seen(7, main))).toBeUndefined();
  });
});

describe("what the sweep found", () => {
  it("is believed at once and remembered as GitHub lists it", async () => {
    const tag = "refs/tags/v1";
    github.heads.set(tag, commit(2));
    const found = { ref: tag, origin: "sweep" as const, after: commit(50), annotatedTag: true, eventId: "sweep-1" };
    await resolve({ ...found, before: undefined });
    expect(await outside.value(platformPartition, keys.seen(7, tag))).toEqual({
      ref: tag,
      sha: commit(2),
      listed: commit(50),
    });
    expect((await decision("sweep-1"))?.cause).toMatchObject({ kind: "sweep" });
  });

  it("and a delivery told of first, is the delivery's: no second word is left", async () => {
    await resolve();
    await resolve({ origin: "sweep", eventId: "sweep-1", before: undefined });
    expect((await words()).map((w) => w.cause)).toMatchObject([{ kind: "delivery", id: "delivery-1" }]);
    expect((await decision("sweep-1"))?.skipped).toMatchObject([{ reason: "nothing-changed" }]);
  });

  it("is read although a delivery told of the head before it", async () => {
    await resolve();
    github.heads.set(main, commit(3));
    await resolve({ origin: "sweep", eventId: "sweep-1", before: undefined, after: commit(3) });
    expect((await words()).map((w) => w.snapshot.commit)).toEqual([commit(2), commit(3)]);
  });
});
