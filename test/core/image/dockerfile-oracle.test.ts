import { type Copy, DockerfileParser, type Instruction } from "dockerfile-ast";
import { describe, expect, it } from "vitest";
import { readLines } from "../../../src/core/image/dockerfile-lines.ts";
import { flagValues } from "../../../src/core/image/dockerfile-sources.ts";
import { readStages } from "../../../src/core/image/dockerfile-stages.ts";
import { dockerfileCases } from "./dockerfile-cases.ts";

/** Another parser's view, for what facts/events-and-github.md §6.2 says it gets right: lines, FROM words, flags. */
describe("agrees with dockerfile-ast", () => {
  const agreeing = dockerfileCases.filter((each) => each.astDiffers === undefined && !refusedByLines(each.text));

  it("on most of the corpus", () => expect(agreeing.length).toBeGreaterThan(40));

  it.each(agreeing)("$name", ({ text }) => {
    const lines = readLines(text);
    const ast = DockerfileParser.parse(text);
    const theirs = ast.getInstructions().map((each) => `${each.getKeyword()}:${each.getRange().start.line + 1}`);
    expect(lines.instructions.map((each) => `${each.keyword}:${each.line}`)).toEqual(theirs);
    expect(fromsOf(text)).toEqual(ast.getFROMs().map((each) => [each.getImage(), each.getBuildStage()]));
    expect(copyFromsOf(text)).toEqual(ast.getInstructions().flatMap(theirFrom));
  });
});

function refusedByLines(text: string): boolean {
  try {
    return readStages(readLines(text)).stages.length === 0;
  } catch {
    return true;
  }
}

function fromsOf(text: string) {
  return readStages(readLines(text)).stages.map(({ base, name }) => [base, name ?? null]);
}

function copyFromsOf(text: string): readonly string[] {
  const copies = readLines(text).instructions.filter((each) => each.keyword === "COPY");
  return copies.flatMap((each) => flagValues(each, "from", each.line));
}

function theirFrom(instruction: Instruction): readonly (string | null)[] {
  if (instruction.getKeyword() !== "COPY") return [];
  // Not getFromFlag(): it looks at the first flag only.
  return (instruction as Copy)
    .getFlags()
    .filter((flag) => flag.getName() === "from")
    .map((flag) => flag.getValue());
}
