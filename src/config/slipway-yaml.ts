import type { ConfigProblem, ImageDefinition, Parsed, SlipwayConfig } from "../core/config/definition.ts";
import { toDefinition } from "./image-definition.ts";
import { registryGiven, stableTagsAreSomebodys } from "./image-rules.ts";
import { slipwaySchema } from "./json-schema.ts";
import { problemsOf, sorted } from "./problems.ts";
import { Defaults, Image, SlipwayFile } from "./schema.ts";
import { entriesOf, entryIssues } from "./written-entries.ts";
import { readYaml, type YamlSource } from "./yaml-source.ts";

/** Reads a slipway.yaml of at most 256 KiB: the images with every default filled in, or all its problems at once in the order of the file. Never throws. */
export function parseSlipwayYaml(text: string): Parsed<SlipwayConfig> {
  const read = readYaml(text);
  if (!read.ok) return { ok: false, problems: sorted(read.problems) };
  const source = read.value;
  const file = SlipwayFile.safeParse(source.value);
  const issues = file.success
    ? []
    : [...file.error.issues, ...entryIssues(file.error.issues, "images", Image, source.value)];
  const images = readableImages(source.value);
  const problems = [
    ...(issues.length > 0 ? problemsOf(issues, source, slipwaySchema()) : []),
    ...ruleProblems(images, source),
  ];
  return problems.length > 0 ? { ok: false, problems: sorted(problems) } : { ok: true, value: { images } };
}

/** The images that are fine by themselves, so that the rules between images are told together with everything else. */
function readableImages(value: unknown): readonly ImageDefinition[] {
  const defaults = Defaults.safeParse(Object.fromEntries(entriesOf(value, "defaults")));
  return entriesOf(value, "images").flatMap(([name, written]) => {
    const image = Image.safeParse(written);
    return image.success ? [toDefinition(name, image.data, defaults.success ? defaults.data : {})] : [];
  });
}

function ruleProblems(images: readonly ImageDefinition[], source: YamlSource): readonly ConfigProblem[] {
  return [...registryGiven(images, source), ...stableTagsAreSomebodys(images, source)];
}
