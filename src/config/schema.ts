/**
 * slipway.yaml as people write it. Nothing is filled in or rewritten here: `image-definition.ts` turns the written form into core types.
 * Descriptions, examples and defaults go into the JSON Schema for editors.
 */
import * as z from "zod";
import {
  commandFault,
  cronFault,
  dockerfileFault,
  repositoryFault,
  severalPlatformsFault,
  sourcePathFault,
  timeoutFault,
  wholeCommandFault,
} from "./checks.ts";
import { Alias, listOf, text, textMatching } from "./fields.ts";
import { onlyNegativeFault, pathPatternFault, refPatternFault } from "./pattern-checks.ts";
import { buildArgFault, repetitionFault, stableTagFault, uniqueTagFault } from "./template-checks.ts";

const Platform = textMatching(
  /^(?:linux\/(?:amd64|386|arm64(?:\/v8)?|arm(?:\/v[678])?)|windows\/amd64)$/,
  "a platform ACR builds for",
  "write os/arch, as in linux/amd64 or linux/arm64",
);

const BuildArgs = z
  .record(
    textMatching(
      /^[A-Za-z_][A-Za-z0-9_]*$/,
      "a build argument's name",
      "use letters, digits and `_`, not starting with a digit",
    ),
    text(buildArgFault),
  )
  .meta({ description: "Values for the Dockerfile's ARGs; templates.", examples: [{ NODE_ENV: "production" }] });

const Tags = z
  .strictObject({
    stable: listOf(text(stableTagFault), repetitionFault)
      .optional()
      .meta({
        description: "Templates of tags that move with the ref.",
        default: ["{{ref_name}}"],
        examples: [["{{ref_name}}"]],
      }),
    unique: listOf(text(uniqueTagFault), repetitionFault)
      .min(1)
      .optional()
      .meta({
        description: "Templates of tags that are pushed once and never again; each holds {{run}}.",
        default: ["{{ref_name}}-{{short_sha}}-{{run}}"],
        examples: [["{{ref_name}}-{{short_sha}}-{{run}}"]],
      }),
  })
  .meta({ description: "What the image is called in its repository.", examples: [{ stable: ["{{ref_name}}"] }] });

const Push = z.strictObject({
  branches: listOf(text(refPatternFault), onlyNegativeFault)
    .optional()
    .meta({
      description:
        "Patterns of branches whose commits build the image. [main] when neither branches nor tags are given.",
      examples: [["main"]],
    }),
  tags: listOf(text(refPatternFault), onlyNegativeFault)
    .optional()
    .meta({ description: "Patterns of Git tags that build the image. None when absent.", examples: [["v*"]] }),
  paths: z
    .array(text(pathPatternFault))
    .optional()
    .meta({
      description: "Patterns of files that count as inputs besides the context; `!` takes files away.",
      default: [],
      examples: [["shared/**"]],
    }),
});

const On = z
  .strictObject({
    push: z
      .union([Push, z.literal("off")])
      .optional()
      .meta({ description: "Which pushes build the image; off: none.", examples: [{ branches: ["main"] }] }),
    pull_request: z.enum(["off", "build-only"]).optional().meta({
      description: "build-only: pull requests build the image and never push it. Not acted on yet.",
      default: "off",
    }),
    base_update: z.enum(["all", "runtime", "off"]).optional().meta({
      description:
        "Which base images rebuild this one when they move, wherever they are built: all, those of the final stage, or none.",
      default: "all",
    }),
    schedule: z
      .array(
        z.strictObject({
          cron: text(cronFault).meta({
            description: "Minute, hour, day, month, weekday; UTC.",
            examples: ["0 3 * * 1"],
          }),
        }),
      )
      .optional()
      .meta({ description: "Checked and kept, not acted on yet.", default: [], examples: [[{ cron: "0 3 * * 1" }]] }),
  })
  .meta({ description: "What builds the image.", examples: [{ push: { branches: ["main"] } }] });

/** What an image and `defaults` may both say. */
const shared = {
  registry: Alias.optional().meta({
    description: "Alias of a registry in slipway.platform.yaml.",
    examples: ["acmeprod"],
  }),
  platforms: listOf(Platform, severalPlatformsFault)
    .min(1)
    .optional()
    .meta({
      description: "What to build for; one entry today.",
      maxItems: 1,
      default: ["linux/amd64"],
      examples: [["linux/amd64"]],
    }),
  timeout: text(timeoutFault)
    .optional()
    .meta({ description: "A run is given up after this; 5m to 8h.", default: "1h", examples: ["30m"] }),
  owner: textMatching(
    /^[A-Za-z0-9][A-Za-z0-9@._/ -]{0,99}$/,
    "an owner",
    "use a team or person's name of letters, digits, blanks and `@ . _ / -`",
  )
    .optional()
    .meta({ description: "Who looks after the image; shown, not interpreted.", examples: ["team-web"] }),
  cache: z
    .boolean()
    .optional()
    .meta({ description: "Keep the layer cache in the registry between runs.", default: false, examples: [true] }),
  compat: z
    .boolean()
    .optional()
    .meta({
      description:
        "Send the Dockerfile with canonical FROM lines, its base images pinned to the digests they have when the build is released.",
      default: false,
      examples: [true],
    }),
  "build-args": BuildArgs.optional(),
  tags: Tags.optional(),
  on: On.optional(),
};

const TestCommand = z
  .union([text(wholeCommandFault), z.tuple([text(wholeCommandFault)], text(commandFault))])
  .meta({ examples: ["node --version"] });

export const Defaults = z
  .strictObject(shared)
  .meta({ description: "What every image of this file says unless it says otherwise." });
export type Defaults = z.infer<typeof Defaults>;

export const Image = z.strictObject({
  repository: text(repositoryFault).meta({
    description: "Image repository inside the registry, lower case, without host or tag.",
    examples: ["platform/node-base"],
  }),
  context: text(sourcePathFault)
    .optional()
    .meta({
      description: "Folder sent to the builder, relative to the root of the source repository.",
      default: ".",
      examples: ["images/web"],
    }),
  dockerfile: text(dockerfileFault)
    .optional()
    .meta({ description: "Relative to context.", default: "Dockerfile", examples: ["Dockerfile"] }),
  target: textMatching(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/,
    "the name of a build stage",
    "use the name after AS in the Dockerfile",
  )
    .optional()
    .meta({ description: "Build stage to stop at; the last one when absent.", examples: ["runtime"] }),
  test: z
    .union([text(wholeCommandFault), z.array(TestCommand)])
    .optional()
    .meta({
      description: "Commands run in the built image before it is pushed. Text runs in /bin/sh, a list without a shell.",
      default: [],
      examples: [["node --version"]],
    }),
  ...shared,
});
export type Image = z.infer<typeof Image>;

export const SlipwayFile = z
  .strictObject({
    version: z.literal(1).meta({ description: "Version of this format.", examples: [1] }),
    defaults: Defaults.optional(),
    images: z
      .record(
        textMatching(
          /^[a-z0-9][a-z0-9._-]{0,62}$/,
          "an image's name",
          "use at most 63 lower case letters, digits and `. _ -`, starting with a letter or digit",
        ),
        Image,
      )
      .superRefine((images, context) => {
        if (Object.keys(images).length > 0) return;
        context.addIssue({
          code: "custom",
          message: "there are no images",
          params: { fix: "add one, as in `web: { repository: web }`" },
        });
      })
      .meta({
        description: "The images of this source repository, by name.",
        minProperties: 1,
        examples: [{ web: { repository: "web" } }],
      }),
  })
  .meta({ title: "slipway.yaml", description: "Which images a source repository builds, and when." });
