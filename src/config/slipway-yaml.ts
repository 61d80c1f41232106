import type { ImageDefinition, Parsed, SlipwayConfig } from "../core/config/definition.ts";
import { toDefinition } from "./image-definition.ts";
import { definitionsFit, registryGiven, stableTagsAreSomebodys } from "./image-rules.ts";
import { slipwaySchema } from "./json-schema.ts";
import { problemsOf, sorted } from "./problems.ts";
import { Defaults, Image, SlipwayFile } from "./schema.ts";
import { entriesOf, entryIssues, sectionOf } from "./written-entries.ts";
import { readYaml } from "./yaml-source.ts";

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
    ...registryGiven(images, source),
    ...stableTagsAreSomebodys(images, source),
    ...definitionsFit(images, source),
  ];
  return problems.length > 0 ? { ok: false, problems: sorted(problems) } : { ok: true, value: { images } };
}

/**
 * The images that are fine by themselves, so that the rules between images are told together with everything else.
 * None when `defaults` is wrong: what it meant to say is not known.
 */
function readableImages(file: unknown): readonly ImageDefinition[] {
  const written = sectionOf(file, "defaults");
  const defaults = Defaults.safeParse(written === undefined ? {} : written);
  if (!defaults.success) return [];
  return entriesOf(file, "images").flatMap(([name, entry]) => {
    const image = Image.safeParse(entry);
    return image.success ? [toDefinition(name, image.data, defaults.data)] : [];
  });
}
