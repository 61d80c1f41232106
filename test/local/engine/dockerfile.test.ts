import { expect, test } from "vitest";
import { baseReferences } from "../../../local/engine/base-references.ts";
import { parseDockerfile } from "../../../local/engine/built-in/dockerfile.ts";
import { neededStages, targetIndex } from "../../../local/engine/built-in/needed-stages.ts";
import type { BuildRequest } from "../../../local/engine/engine.ts";

const parse = (...lines: string[]) => parseDockerfile(lines.join("\n"));
const first = (...lines: string[]) => parse("FROM scratch", ...lines).stages[0]!.instructions[0]!;

test("continued lines are joined, comments and empty lines between them dropped", () => {
  expect(first("RUN a \\", "  # comment", "", "  b \\  ", "# more", "c").text).toBe("a   b c");
  expect(parse("# escape=`", "FROM scratch", "RUN a `", " b\\c").stages[0]!.instructions[0]!.text).toBe("a  b\\c");
  expect(first("RUN a \\\r", "b\r").text).toBe("a b");
});

test("the exec form is JSON or nothing", () => {
  expect(first('CMD ["a b", "c\\n", "\\u00e9"]').json).toEqual(["a b", "c\n", "é"]);
  expect(first("CMD ['a']").json).toBeUndefined();
  expect(first('CMD ["a", 1]').json).toBeUndefined();
  expect(first('CMD [ "a" ] && b').json).toBeUndefined();
});

test("flags are found wherever they stand", () => {
  const { flags, text } = first("COPY --chown=1:2 --FROM=x a b");
  expect(flags).toEqual([
    { name: "chown", value: "1:2" },
    { name: "from", value: "x" },
  ]);
  expect(text).toBe("a b");
});

test("here-documents keep their text and say whether they expand", () => {
  const { heredocs, text } = first("COPY <<-ONE <<'TWO' /dst/", "\tone $A", "\tONE", "two", "TWO");
  expect(text).toBe("<<-ONE <<'TWO' /dst/");
  expect(heredocs.map(({ name, content, expands }) => [name, content, expands])).toEqual([
    ["ONE", "one $A\n", true],
    ["TWO", "two\n", false],
  ]);
  expect(() => first("RUN <<EOF", "echo")).toThrow(/does not end/);
});

test.each([
  [["RUN x"], /no FROM|before the first FROM/],
  [["ENV A=1", "FROM scratch"], /before the first FROM/],
  [["FROM scratch # comment"], /FROM takes/],
  [["FROM a AS"], /FROM takes/],
  [["FROM a AS 1x"], /stage name/],
  [[""], /no FROM/],
])("%j is refused", (lines, message) => {
  expect(() => parse(...lines)).toThrow(message);
});

test("only the stages a target stands on are needed", () => {
  const dockerfile = parse(
    "FROM scratch AS a",
    "FROM a AS b",
    "FROM scratch AS unused",
    "COPY --from=b / /",
    "FROM scratch AS c",
    "COPY --chown=1 --from=b / /",
    "FROM scratch",
  );
  const needed = (target: string) =>
    neededStages(dockerfile.stages, targetIndex(dockerfile, target), (stage) => stage.image);
  expect(needed("c")).toEqual([0, 1, 3]);
  expect(needed("B")).toEqual([0, 1]);
  expect(needed("")).toEqual([4]);
  expect(() => needed("none")).toThrow(/no stage none/);
});

test("a name is a stage only after it was given, and a number never in FROM", () => {
  const text = [
    "ARG V=2",
    "FROM node AS node",
    "FROM node AS x",
    "COPY --from=tool:1 / /",
    "FROM lib:$V",
    "COPY --from=0 / /",
  ];
  const request = { contextDir: "", dockerfile: "", tags: [], labels: {}, noCache: false };
  const bases = (asked: BuildRequest) => baseReferences(asked, text.join("\n"), () => undefined);
  expect(bases({ ...request, buildArgs: {} })).toEqual(["node", "lib:2"]);
  expect(bases({ ...request, buildArgs: { V: "3" } })).toContain("lib:3");
  expect(bases({ ...request, buildArgs: {}, target: "x" })).toEqual(["node", "tool:1"]);
});
