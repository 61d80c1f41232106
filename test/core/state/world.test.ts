import { describe, expect, it } from "vitest";
import { rangeOf } from "../../../src/core/state/keys.ts";
import { NotRead, World } from "../../../src/core/state/world.ts";

const range = rangeOf("a");

function notRead(ask: () => unknown): NotRead {
  try {
    ask();
  } catch (error) {
    if (error instanceof NotRead) return error;
    throw error;
  }
  throw new Error("nothing was asked for");
}

/** `a|1` and `a|3` are stored. */
function world(limit = 10): World {
  const made = new World();
  made.addRange(range, limit, [
    { key: "a|1", value: 1 },
    { key: "a|3", value: 3 },
  ]);
  return made;
}

describe("what a decision sees", () => {
  it("is what is stored, and that a row is absent only after it was looked for", () => {
    const made = new World();
    expect(notRead(() => made.get("k")).fetches).toEqual([{ kind: "row", key: "k" }]);
    made.addRow("k", undefined);
    expect(made.get("k")).toBeUndefined();
  });

  it("of a range that was read to its end is also that nothing else is in it", () => {
    expect(world().get("a|2")).toBeUndefined();
    expect(notRead(() => world().get("b|2")).fetches).toEqual([{ kind: "row", key: "b|2" }]);
    expect(notRead(() => world(2).get("a|2")).fetches).toEqual([{ kind: "row", key: "a|2" }]);
    const made = world();
    expect(made.getAll(["a|1", "a|2"])).toEqual([1, undefined]);
    expect(made.facts().rows).toContainEqual(["a|2", null]);
  });

  it("is what it wrote itself, without reading first", () => {
    const made = new World();
    made.put("k", "mine");
    expect(made.get("k")).toBe("mine");
    made.addRow("k", "stored");
    expect(made.get("k")).toBe("mine");
  });

  it("of a range has its own rows in their place and its removals gone", () => {
    const made = world();
    made.put("a|2", 2);
    made.put("a|3", 33);
    made.put("b|1", "elsewhere");
    made.remove("a|1");
    expect(made.range(range, 10)).toEqual([
      { key: "a|2", value: 2 },
      { key: "a|3", value: 33 },
    ]);
  });

  it("of a full page ends at its last key: what lies behind it is not known", () => {
    const made = world(2);
    made.put("a|2", 2);
    made.put("a|4", 4);
    expect(made.range(range, 2).map((r) => r.key)).toEqual(["a|1", "a|2", "a|3"]);
  });

  it("of a range of another length was not read yet", () => {
    expect(notRead(() => world().range(range, 5)).fetches).toEqual([{ kind: "range", range, limit: 5 }]);
  });

  it("is asked for all at once", () => {
    const made = world();
    made.put("mine", 1);
    expect(notRead(() => made.getAll(["a|1", "x", "mine", "y"])).fetches.map((f) => "key" in f && f.key)).toEqual([
      "x",
      "y",
    ]);
    expect(notRead(() => made.ranges([range, rangeOf("b"), rangeOf("c")], 10)).fetches).toHaveLength(2);
    made.addDigest("r1", { kind: "absent" });
    expect(notRead(() => made.digests(["r1", "r2", "r3"])).fetches).toEqual([
      { kind: "digest", reference: "r2" },
      { kind: "digest", reference: "r3" },
    ]);
  });

  it("of digests is of this moment: forgotten ones are asked for again, rows are not", () => {
    const made = world();
    made.addDigest("r", { kind: "absent" });
    made.forgetDigests();
    expect(notRead(() => made.digests(["r"])).fetches).toHaveLength(1);
    expect(made.get("a|1")).toBe(1);
  });
});

describe("removing", () => {
  it("a row that another row names needs no reading", () => {
    const made = new World();
    made.remove("named");
    expect(made.writes()).toEqual([{ key: "named", value: undefined }]);
  });

  it("a row that was only ever written here writes nothing", () => {
    const made = new World();
    made.addRow("k", undefined);
    made.put("k", 1);
    made.remove("k");
    expect(made.writes()).toEqual([]);
  });

  it("a row written here that may also be stored asks storage first", () => {
    const made = new World();
    made.put("k", 1);
    expect(notRead(() => made.remove("k")).fetches).toEqual([{ kind: "row", key: "k" }]);
    made.addRow("k", "stored");
    made.remove("k");
    expect(made.writes()).toEqual([{ key: "k", value: undefined }]);
  });
});

describe("writes", () => {
  it("made since a mark are forgotten by a rewind, those before it stay", () => {
    const made = world();
    made.put("a|1", "first");
    const mark = made.mark();
    made.put("a|1", "second");
    made.put("a|2", 2);
    made.remove("a|3");
    made.rewind(mark);
    expect(made.writes()).toEqual([{ key: "a|1", value: "first" }]);
    expect(made.range(range, 10).map((r) => r.value)).toEqual(["first", 3]);
    made.put("later", 1);
    expect(mark.size).toBe(1);
  });

  it("once stored are what is, and ranges are read again", () => {
    const made = world();
    made.put("a|2", 2);
    made.remove("a|1");
    made.committed();
    expect(made.size).toBe(0);
    expect([made.get("a|1"), made.get("a|2")]).toEqual([undefined, 2]);
    expect(notRead(() => made.range(range, 10)).fetches).toHaveLength(1);
  });
});
