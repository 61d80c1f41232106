import { type Copy, DockerfileParser } from "dockerfile-ast";
import { describe, expect, it } from "vitest";
import { readDockerfile } from "../../../../src/core/image/dockerfile.ts";
import { formatReference, parseReference } from "../../../../src/core/image/reference.ts";
import { corpus } from "./corpus.ts";
import { disagreements } from "./disagreements.ts";

describe("the corpus", () => {
  it("holds at least 80 files, each of a name of its own", () => {
    expect(corpus.length).toBeGreaterThanOrEqual(80);
    expect(new Set(corpus.map(({ name }) => name)).size).toBe(corpus.length);
  });

  it.each(corpus)("$name", ({ text, options, reads }) => {
    const result = readDockerfile(text, { buildArgs: {}, ...options });
    const found = result.ok
      ? result.facts.dependencies.map(
          (each) => `${each.class} ${formatReference(each.reference)}${each.pinned ? " pinned" : ""}`,
        )
      : undefined;
    expect(found?.toSorted()).toEqual(reads?.toSorted());
  });
});

describe("dockerfile-ast, asked for the images that FROM and COPY --from name", () => {
  it.each(corpus)("agrees or is listed: $name", ({ name, text, reads }) => {
    const listed = disagreements[name];
    const theirs = imagesByAst(text);
    const ours = reads?.filter((each) => !each.startsWith("frontend")).map((each) => each.split(" ")[1]!) ?? [];
    if (JSON.stringify(theirs) === JSON.stringify([...new Set(ours)].sort())) expect(listed).toBeUndefined();
    else expect({ name, listed: listed !== undefined, theirs }).toEqual({ name, listed: true, theirs });
  });

  it("every row of the table belongs to a file", () => {
    const names = new Set(corpus.map(({ name }) => name));
    expect(Object.keys(disagreements).filter((name) => !names.has(name))).toEqual([]);
  });
});

/** What a reader of ours would be on top of that package: its names, an earlier alias taken for the stage. */
function imagesByAst(text: string): readonly string[] {
  const stages = new Set<string>(["scratch"]);
  const images = new Set<string>();
  let count = 0;
  const add = (name: string | null) => {
    if (name === null || stages.has(name.toLowerCase())) return;
    const parsed = parseReference(name);
    images.add(parsed.ok ? formatReference(parsed.reference) : name);
  };
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    if (instruction.getKeyword() === "FROM") {
      const from = DockerfileParser.parse(text).getFROMs()[count++]!;
      add(from.getImage());
      const alias = from.getBuildStage();
      if (alias !== null) stages.add(alias.toLowerCase());
    } else if (instruction.getKeyword() === "COPY") {
      const flags = (instruction as Copy).getFlags().filter((flag) => flag.getName() === "from");
      for (const flag of flags) if (!/^\d+$/.test(flag.getValue() ?? "0")) add(flag.getValue());
    }
  }
  return [...images].sort();
}
