/** Source repositories for stories: small images that only copy files, so that a build takes a fraction of a second. */

export interface StoryImage {
  /** Names of images of this source repository, or whole references below the registry: `platform/other/base:main`. */
  readonly from?: readonly string[];
  /** What the image holds under `/<name>`. */
  readonly content?: string;
  /** A RUN line; the image then stands on the machine's own shell. */
  readonly run?: string;
  /** More lines of its entry in slipway.yaml, unindented. */
  readonly yaml?: readonly string[];
  /** Instead of all of the above. */
  readonly dockerfile?: string;
}

export type StoryImages = Readonly<Record<string, StoryImage>>;

export interface StoryOptions {
  /** Part of the image repositories' names: `platform/<story>/<image>`. */
  readonly story: string;
  /** The value of `on.push`. */
  readonly push?: string;
}

/** slipway.yaml, one folder per image. */
export function sourceFiles(images: StoryImages, options: StoryOptions): Record<string, string> {
  const files: Record<string, string> = { "slipway.yaml": slipwayYaml(images, options) };
  for (const [name, image] of Object.entries(images)) {
    files[`images/${name}/Dockerfile`] = image.dockerfile ?? dockerfile(name, image, options.story);
    files[`images/${name}/${name}`] = image.content ?? `${name} 1\n`;
  }
  return files;
}

export function slipwayYaml(images: StoryImages, { story, push = "{ branches: [main] }" }: StoryOptions): string {
  const entries = Object.entries(images).flatMap(([name, image]) => [
    `  ${name}:`,
    `    repository: platform/${story}/${name}`,
    `    context: images/${name}`,
    ...(image.yaml ?? []).map((line) => `    ${line}`),
  ]);
  return [
    "version: 1",
    "defaults:",
    "  registry: local",
    "  timeout: 5m",
    '  build-args: { REGISTRY: "{{registry}}" }',
    "  on:",
    `    push: ${push}`,
    "images:",
    ...entries,
    "",
  ].join("\n");
}

/** The last of `from` is what the image stands on; the files of the others are copied in, so content shows what was used. */
function dockerfile(name: string, { from = [], run }: StoryImage, story: string): string {
  const reference = (base: string) => `\${REGISTRY}/${base.includes("/") ? base : `platform/${story}/${base}:main`}`;
  const others = from.slice(0, -1);
  const last = from.at(-1);
  const ground = last === undefined ? (run === undefined ? "scratch" : "${REGISTRY}/local/shell:1") : reference(last);
  return [
    "ARG REGISTRY",
    ...others.map((base, i) => `FROM ${reference(base)} AS other${i}`),
    `FROM ${ground}`,
    ...others.map((base, i) => `COPY --from=other${i} /${plainName(base)} /${plainName(base)}`),
    `COPY ${name} /${name}`,
    ...(run === undefined ? [] : [`RUN ${run}`]),
    "",
  ].join("\n");
}

function plainName(base: string): string {
  return base.replace(/^.*\//, "").replace(/:.*$/, "");
}
