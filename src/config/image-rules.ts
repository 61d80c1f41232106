/** What only shows when images are seen together, or together with `defaults`. */
import type { ConfigProblem, ImageDefinition } from "../core/config/definition.ts";
import { show } from "./show.ts";
import type { YamlSource } from "./yaml-source.ts";

/** Every image needs a registry, its own or the one in `defaults`. */
export function registryGiven(images: readonly ImageDefinition[], source: YamlSource): readonly ConfigProblem[] {
  return images
    .filter((image) => image.registry === "")
    .map((image) =>
      source.problemAt(
        ["images", image.name, "registry"],
        "`registry` is missing",
        "add `registry:` with an alias of slipway.platform.yaml here, or under `defaults` for all images",
      ),
    );
}

/** Two images that move the same tag would overwrite each other for ever. */
export function stableTagsAreSomebodys(
  images: readonly ImageDefinition[],
  source: YamlSource,
): readonly ConfigProblem[] {
  const ownerByTag = new Map<string, string>();
  const problems: ConfigProblem[] = [];
  for (const image of images) {
    const taken = new Map<string, string>();
    for (const template of image.tags.stable) {
      for (const form of forms(image, template)) {
        const owner = ownerByTag.get(form);
        if (owner !== undefined && owner !== image.name) taken.set(owner, template);
        else ownerByTag.set(form, image.name);
      }
    }
    for (const [owner, template] of taken)
      problems.push(
        source.problemAt(
          ["images", image.name, "repository"],
          `image ${show(owner)} makes the same tag: ${image.repository}:${template}`,
          "give one of the two another repository or other stable tags",
        ),
      );
  }
  return problems;
}

/** What a template comes to on a branch and on a Git tag, where `branch` or `git_tag` are the same as `ref_name`. */
function forms(image: ImageDefinition, template: string): readonly string[] {
  const place = `${image.registry} ${image.repository}:${template.replaceAll("{{image}}", image.name)}`;
  const onBranch = place.includes("{{git_tag}}") ? [] : [`branch ${place.replaceAll("{{branch}}", "{{ref_name}}")}`];
  const onTag = place.includes("{{branch}}") ? [] : [`tag ${place.replaceAll("{{git_tag}}", "{{ref_name}}")}`];
  return [...onBranch, ...onTag];
}

/** Table storage takes a definition twice in the row of its track, and several tracks in one transaction. */
const definitionMost = 32_000;
/** All of them are one row when a ref has moved, and stand in memory beside what else goes on. */
const definitionsMost = 8_000_000;

/** `defaults` are written once and count for every image. Sizes are characters of JSON. */
export function definitionsFit(images: readonly ImageDefinition[], source: YamlSource): readonly ConfigProblem[] {
  const sizes = images.map((image) => JSON.stringify(image).length);
  const problems = images.flatMap((image, i) =>
    sizes[i]! <= definitionMost
      ? []
      : [
          source.problemAt(
            ["images", image.name],
            `with its defaults it comes to ${sizes[i]} characters; at most ${definitionMost}`,
            "move long build arguments and tests into the Dockerfile or into scripts",
          ),
        ],
  );
  const all = sizes.reduce((sum, size) => sum + size, 0);
  if (problems.length > 0 || all <= definitionsMost) return problems;
  const message = `with their defaults they come to ${all} characters; at most ${definitionsMost}`;
  return [source.problemAt(["images"], message, "shorten `defaults`, or split the file over source repositories")];
}
