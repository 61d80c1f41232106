/** slipway.platform.yaml as people write it; `platform-yaml.ts` turns it into core types. Waves, retention and freeze will be further top-level keys. */
import * as z from "zod";
import { matching } from "./checks.ts";
import { Alias, text, textMatching } from "./fields.ts";
import { singlePatternFault, sourcePatternFault } from "./pattern-checks.ts";

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
  })
  .meta({ title: "slipway.platform.yaml", description: "Which registries there are, and who may publish where." });
export type PlatformFile = z.infer<typeof PlatformFile>;
