import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readDockerfile } from "../../../src/core/image/dockerfile.ts";
import { formatReference } from "../../../src/core/image/reference.ts";
import { codePoint } from "./code-point.ts";

const run = (text: string, target?: string) =>
  readDockerfile(text, { buildArgs: { A: "b" }, ...(target !== undefined && { target }) });

describe("readDockerfile, on anything", () => {
  it("never throws on arbitrary text", () => {
    fc.assert(
      fc.property(fc.string({ unit: codePoint, maxLength: 300 }), (text) => {
        expect(typeof run(text).ok).toBe("boolean");
      }),
    );
  });

  it("never throws on text made of what it looks for, and names an existing line", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...fragments), { maxLength: 40 }), (chosen) => {
        const text = chosen.join("");
        const result = run(text);
        const count = text.split("\n").length;
        const lines = result.ok ? [...result.facts.dependencies, ...result.facts.warnings] : [result];
        for (const { line } of lines) expect(line >= 1 && line <= count).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it("names each reference once, and at most one as runtime", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...fragments), { maxLength: 40 }), (chosen) => {
        const result = run(`FROM a\n${chosen.join("")}`);
        if (!result.ok) return;
        const keys = result.facts.dependencies.map((each) => formatReference(each.reference));
        expect(new Set(keys).size).toBe(keys.length);
        expect(result.facts.dependencies.filter((each) => each.class === "runtime").length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("readDockerfile, on files whose dependencies are known by construction", () => {
  it("finds exactly the images that the target reaches", () => {
    fc.assert(
      fc.property(plans, fc.nat(), fc.infiniteStream(fc.constantFrom(...styles)), (plan, pick, style) => {
        const target = pick % plan.length;
        const text = plan.map((stage, index) => write(stage, index, style)).join("");
        const result = run(text, `s${target}`);
        if (!result.ok) throw new Error(`${result.message}\n${text}`);
        const found = result.facts.dependencies.map((each) => `${each.class} ${formatReference(each.reference)}`);
        expect(found.sort()).toEqual(expected(plan, target));
      }),
      { numRuns: 500 },
    );
  });
});

interface PlannedStage {
  /** An image's number, or how many stages back. */
  readonly base: { readonly image: number } | { readonly back: number };
  readonly copies: readonly ({ readonly image: number } | { readonly back: number })[];
}

const link = fc.oneof(fc.record({ image: fc.nat(4) }), fc.record({ back: fc.integer({ min: 1, max: 3 }) }));
const plans: fc.Arbitrary<readonly PlannedStage[]> = fc.array(
  fc.record({ base: link, copies: fc.array(link, { maxLength: 3 }) }),
  {
    minLength: 1,
    maxLength: 6,
  },
);

/** A link that goes back beyond the first stage means an image instead. */
function resolve(each: PlannedStage["base"], index: number): { image: string } | { stage: number } {
  if ("image" in each) return { image: `img${each.image}` };
  return each.back <= index ? { stage: index - each.back } : { image: `img${each.back}` };
}

interface Style {
  readonly from: (image: string, name: string) => string;
  readonly copy: (from: string, index: number | undefined) => string;
  readonly noise: string;
}

const styles: readonly Style[] = [
  { from: (image, name) => `FROM ${image} AS ${name}\n`, copy: (from) => `COPY --from=${from} a b\n`, noise: "" },
  {
    from: (image, name) => `from \\\n# FROM no\n  ${image} as ${name.toUpperCase()}\n`,
    copy: (from) => `copy --link --from=${from.toUpperCase().startsWith("S") ? from.toUpperCase() : from} ["a", "b"]\n`,
    noise: "RUN <<E\nFROM no\nCOPY --from=no a b\nE\n",
  },
  {
    from: (image, name) => `FROM "\${NONE:-${image}}" AS ${name}\n`,
    copy: (from, index) => `COPY --from=${index ?? from} a b\n`,
    noise: "RUN echo \\\n COPY --from=no\n# COPY --from=no a b\n",
  },
  {
    from: (image, name) => `FROM --platform=linux/amd64 ${image} AS ${name}\r\n`,
    copy: (from) => `RUN --mount=target=/x,from=${from} true\n`,
    noise: "LABEL a=<<E\n",
  },
];

function write(stage: PlannedStage, index: number, style: Iterator<Style>): string {
  const next = (): Style => style.next().value;
  const base = resolve(stage.base, index);
  const from = next().from("image" in base ? base.image : `s${base.stage}`, `s${index}`);
  const copies = stage.copies.map((each) => {
    const source = resolve(each, index);
    const { copy, noise } = next();
    return (
      copy("image" in source ? source.image : `s${source.stage}`, "image" in source ? undefined : source.stage) + noise
    );
  });
  return from + copies.join("");
}

function expected(plan: readonly PlannedStage[], target: number): readonly string[] {
  const images = new Set<string>();
  const visit = (index: number): void => {
    for (const each of [plan[index]!.base, ...plan[index]!.copies]) {
      const to = resolve(each, index);
      if ("image" in to) images.add(to.image);
      else visit(to.stage);
    }
  };
  visit(target);
  let origin = resolve(plan[target]!.base, target);
  while ("stage" in origin) origin = resolve(plan[origin.stage]!.base, origin.stage);
  const runtime = origin.image;
  return [...images]
    .map((each) => `${each === runtime ? "runtime" : "buildtime"} docker.io/library/${each}:latest`)
    .sort();
}

const fragments = [
  "FROM ",
  "from a",
  " AS b",
  " as B\n",
  "\n",
  "\r\n",
  "\\\n",
  "`\n",
  "ARG A",
  "=1",
  "$A",
  "${A:-b}",
  "${",
  "}",
  '"',
  "'",
  " ",
  "\t",
  "COPY --from=",
  "b",
  "0",
  "RUN ",
  "--mount=",
  "type=bind,",
  "from=",
  "<<E",
  "\nE\n",
  "ONBUILD ",
  "# ",
  "# escape=`\n",
  "# syntax=a b\n",
  "// syntax=a\n",
  '{"syntax":"a"}',
  "--",
  "--x ",
  "[",
  '["a"]',
  "scratch",
  ":1",
  "@sha256:",
  "/",
  "\uFEFF",
  "#!x\n",
  "\u0085",
  "\u2028",
  "\0",
];
