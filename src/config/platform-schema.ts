/** slipway.platform.yaml as people write it; `platform-yaml.ts` turns it into core types. Retention will be a further top-level key. */
import * as z from "zod";
import { matching } from "./checks.ts";
import type { Fault } from "./fault.ts";
import { Alias, text, textMatching } from "./fields.ts";
import { singlePatternFault, sourcePatternFault } from "./pattern-checks.ts";
import {
  checkEveryFault,
  credentialFault,
  credentialSetting,
  hostFault,
  instantFault,
  settleFault,
  weeklyFault,
} from "./platform-checks.ts";

const resourceId =
  /^\/subscriptions\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/resourceGroups\/[\w.()-]{1,90}\/providers\/Microsoft\.ContainerRegistry\/registries\/[a-z0-9]{5,50}$/i;

export const Registry = z.strictObject({
  "resource-id": text(
    matching(
      resourceId,
      "the ARM id of a container registry",
      "copy it from `az acr show --name NAME --query id`: /subscriptions/…/resourceGroups/…/providers/Microsoft.ContainerRegistry/registries/NAME",
    ),
  ).meta({
    description: "ARM id of the registry, in any case.",
    examples: [
      "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/images/providers/Microsoft.ContainerRegistry/registries/acmeprod",
    ],
  }),
  "max-runs": z
    .int()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: "At most this many runs at ACR at once, 1 to 100.", default: 4, examples: [4] }),
  "agent-pool": textMatching(/^[A-Za-z0-9-]{3,20}$/, "an agent pool's name", "use 3 to 20 letters, digits and `-`")
    .optional()
    .meta({ description: "ACR agent pool to run on; ACR's shared agents when absent.", examples: ["pool1"] }),
});
export type Registry = z.infer<typeof Registry>;

export const PublishRule = z.strictObject({
  from: z.union([text(sourcePatternFault), z.int().min(1)]).meta({
    description: "Pattern over owner/name, or the numeric id of the source repository (survives renames; prefer it).",
    examples: ["acme/web-*"],
  }),
  to: text(singlePatternFault).meta({ description: "Pattern over the image repository.", examples: ["web/**"] }),
  registry: Alias.optional().meta({ description: "Alias of the registry; any when absent.", examples: ["acmeprod"] }),
});
export type PublishRule = z.infer<typeof PublishRule>;

export const Freeze = z
  .strictObject({
    from: text(instantFault)
      .optional()
      .meta({ description: "Begin, ISO 8601 in UTC.", examples: ["2026-12-20T00:00:00Z"] }),
    until: text(instantFault)
      .optional()
      .meta({ description: "End, ISO 8601 in UTC.", examples: ["2027-01-02T06:00:00Z"] }),
    weekly: text(weeklyFault)
      .optional()
      .meta({ description: "Every week, in UTC, instead of `from` and `until`.", examples: ["Fri 16:00 - Mon 06:00"] }),
    why: z
      .string()
      .min(1)
      .max(200)
      .meta({ description: "Shown to whoever waits.", examples: ["year's end"] }),
  })
  .superRefine((freeze, context) => {
    const once = freeze.from !== undefined && freeze.until !== undefined;
    const neither = freeze.from === undefined && freeze.until === undefined;
    const fault =
      freeze.weekly === undefined
        ? once
          ? emptyFault(freeze.from!, freeze.until!)
          : notWhole
        : neither
          ? undefined
          : both;
    if (fault) context.addIssue({ code: "custom", message: fault.message, params: { fix: fault.fix } });
  });
export type Freeze = z.infer<typeof Freeze>;

const notWhole = { message: "a freeze needs a begin and an end", fix: "give `from` and `until`, or `weekly`" };
const both = { message: "a freeze is either once or weekly", fix: "remove `weekly`, or `from` and `until`" };

function emptyFault(from: string, until: string): Fault | undefined {
  return Date.parse(from) < Date.parse(until)
    ? undefined
    : { message: `${until} is not after ${from}`, fix: "let the freeze end after it begins" };
}

const count = (most: number) => z.int().min(0).max(most).optional();

export const Waves = z.strictObject({
  "large-from": count(100_000).meta({
    description:
      "A wave of at least this many images builds one image of each level first, and may stop. 0: none does.",
    default: 20,
    examples: [20],
  }),
  "stop-after": count(100_000).meta({
    description: "A large wave stops when this many of its runs have failed. 0: never.",
    default: 3,
    examples: [3],
  }),
  "stop-after-percent": count(100).meta({
    description: "Or this share of its runs, in percent, if that is more.",
    default: 10,
    examples: [10],
  }),
});
export type Waves = z.infer<typeof Waves>;

const BaseRegistry = z.strictObject({
  "token-hosts": z
    .array(text(hostFault))
    .max(10)
    .optional()
    .meta({
      description: "Other hosts it may send us to, for a token or with a redirect.",
      default: [],
      examples: [["auth.example.com"]],
    }),
  credential: text(credentialFault)
    .meta({ pattern: credentialSetting.source })
    .optional()
    .meta({
      description: "Name of the setting with `user:password`; anonymous when absent.",
      examples: ["SLIPWAY_REGISTRY_HUB"],
    }),
});

export const BaseUpdates = z.strictObject({
  settle: text(settleFault)
    .optional()
    .meta({
      description: "A tag that moves again within this time is waited for, 0s to 1h.",
      default: "30s",
      examples: ["30s"],
    }),
  "check-every": text(checkEveryFault)
    .optional()
    .meta({ description: "How often each base image is asked for, 1m to 24h.", default: "15m", examples: ["15m"] }),
  registries: z
    .record(text(hostFault), BaseRegistry)
    .optional()
    .meta({
      description: "Hosts, besides `registries`, whose images may be asked for. Replaces the default list.",
      examples: [{ "docker.io": {}, "registry.example.com": {} }],
    }),
});
export type BaseUpdates = z.infer<typeof BaseUpdates>;

export const PlatformFile = z
  .strictObject({
    version: z.literal(1).meta({ description: "Version of this format.", examples: [1] }),
    registries: z
      .record(Alias, Registry)
      .meta({ description: "The registries images are built in, by alias.", examples: [{ acmeprod: {} }] }),
    publish: z
      .array(PublishRule)
      .optional()
      .meta({
        description: "Who may publish where. What no rule allows is denied.",
        default: [],
        examples: [[{ from: "acme/web-*", to: "web/**" }]],
      }),
    waves: Waves.optional().meta({ description: "When a wave holds itself back." }),
    freeze: z
      .array(Freeze)
      .max(50)
      .optional()
      .meta({
        description: "When only what a person asks for is built.",
        default: [],
        examples: [[{ weekly: "Fri 16:00 - Mon 06:00", why: "weekend" }]],
      }),
    "base-updates": BaseUpdates.optional().meta({
      description: "How base images that are built elsewhere are watched.",
    }),
  })
  .meta({ title: "slipway.platform.yaml", description: "Which registries there are, and who may publish where." });
export type PlatformFile = z.infer<typeof PlatformFile>;
