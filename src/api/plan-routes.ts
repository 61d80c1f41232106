/** What would be built, in which order and why, without building: of a base, a ref or an image; and old decisions made again. */
import { z } from "zod";
import { slipwayYamlPath } from "../core/config/definition.ts";
import { problemPlace } from "../core/config/problem-text.ts";
import { countSkipped, noProgress } from "../core/plan/progress.ts";
import { describeReason, type Reason, short } from "../core/plan/reason.ts";
import { keys } from "../core/state/keys.ts";
import type { Decision, DecisionFacts, Inbox, Skipped } from "../core/state/rows.ts";
import { type DryRun, type DryRunPorts, dryRun, dryRunIn } from "../handlers/dry-run.ts";
import type { ReadRefAs } from "../handlers/read-ref-as.ts";
import { readValue } from "../handlers/read-rows.ts";
import type { Registry } from "../handlers/registries.ts";
import { allRegistries, findDecision, type HistoryPorts, mustFindImage } from "./history.ts";
import { baseNamed, whereStoodUpon } from "./named.ts";
import { answerJson, notFound, Problem } from "./problem.ts";
import { type Route, route } from "./route.ts";
import { FullRef, HoldView, Name, nothing, ReasonView, SkippedView } from "./schemas.ts";

export interface PlanPorts extends HistoryPorts, DryRunPorts {
  /** A ref as it is now, for each registry concerned; with `config` in place of the slipway.yaml that is there. */
  readRefAs(source: string, ref: string, config: string | undefined): Promise<ReadRefAs>;
}

const Asked = z.union(
  [
    z.strictObject({
      base: z.string().min(1).max(500).describe("a tag that images stand on"),
      digest: z
        .string()
        .regex(/^sha256:[0-9a-f]{64}$/, "sha256: and 64 hex digits")
        .optional()
        .describe("what it would move to; something new when absent"),
    }),
    z.strictObject({
      source: Name.describe("owner/name or numeric id"),
      ref: FullRef,
      config: z
        .string()
        .max(60_000)
        .optional()
        .describe("text of a slipway.yaml to plan with instead of the one there"),
    }),
    z.strictObject({ image: Name.describe("an image to rebuild"), ref: FullRef.optional() }),
  ],
  {
    error:
      'one of { "base": "debian:12", "digest"? }, { "source": "owner/name", "ref": "refs/heads/main", "config"? } and { "image": "name", "ref"? }',
  },
);

/** Stands for a digest that nobody knows: what a tag that might move had, or would have. Never shown. */
const someOther = `sha256:${"0".repeat(64)}`;

interface Words {
  readonly words: ReadonlyMap<Registry, readonly Inbox[]>;
  /** Why no registry would hear of it. */
  readonly skipped: readonly Skipped[];
}

const Plan = z.object({
  registry: z.string(),
  planned: z.number(),
  runs: z.array(
    z.object({
      image: z.string(),
      ref: z.string(),
      source: z.string(),
      commit: z.string(),
      level: z.number().describe("images of the plan below it"),
      why: z.array(z.string()),
      reasons: z.array(ReasonView),
      hold: HoldView.optional(),
    }),
  ),
  skipped: z.array(SkippedView).readonly(),
  done: z.string().optional().describe("what would be done besides planning"),
});
const Plans = z.object({ plans: z.array(Plan), skipped: z.array(SkippedView).readonly().optional() });
const Replays = z.object({
  plans: z.array(
    Plan.extend({
      facts: z.string().describe("which facts were used"),
      decided: z.object({
        planned: z.number(),
        images: z.array(z.string()),
        skipped: z.array(SkippedView).readonly(),
        done: z.string().optional(),
      }),
    }),
  ),
});

export function planRoutes(ports: PlanPorts): readonly Route[] {
  const at = () => new Date(ports.now()).toISOString();
  const cause = () => ({ kind: "request", id: "dry-run", action: "plan", at: at() }) as const;

  const moved = (reference: string, digest = someOther): Inbox => ({
    kind: "tag-moved",
    id: `dry-run of ${reference}`,
    cause: cause(),
    reference,
    digest,
    from: someOther,
  });

  const wordsFor = async (asked: z.infer<typeof Asked>, registries: readonly Registry[]): Promise<Words> => {
    const toEach = (word: Inbox, those: readonly Registry[]): Words => ({
      words: new Map(those.map((registry) => [registry, [word]])),
      skipped: [],
    });
    if ("base" in asked) {
      const reference = await baseNamed(asked.base, "body.base", ports);
      const those = await whereStoodUpon(reference, registries, ports);
      if (those.length > 0) return toEach(moved(reference, asked.digest), those);
      const message = `no image stands on ${reference}`;
      return { words: new Map(), skipped: countSkipped(noProgress, "base-not-followed", undefined, message).skipped };
    }
    if ("image" in asked) {
      const { image, ref } = asked;
      const found = await mustFindImage(image, { ref }, ports);
      const builders = registries.filter(({ alias }) => found.some((f) => f.registry.alias === alias));
      return toEach(
        { kind: "rebuild-requested", id: "dry-run", cause: cause(), image, ...(ref ? { ref } : {}) },
        builders,
      );
    }
    const read = await ports.readRefAs(asked.source, asked.ref, asked.config);
    if (read.kind === "refused") {
      const errors = read.problems?.map((p) => ({
        at: problemPlace(slipwayYamlPath, p),
        message: `${p.message}; ${p.fix}`,
      }));
      throw new Problem(409, "Cannot be planned", read.message, errors);
    }
    // The same objects as all the others are: who is told is found by them.
    const words = registries.flatMap((registry) => {
      const part = read.parts.find((p) => p.registry.alias === registry.alias);
      if (!part) return [];
      const word: Inbox = { kind: "ref-moved", id: "dry-run", cause: cause(), snapshot: part.snapshot };
      return [[registry, [word]] as const];
    });
    return { words: new Map(words), skipped: read.skipped };
  };

  const readFacts = async (id: string, { partition }: Registry) =>
    await readValue<DecisionFacts>(ports.rows, partition, keys.facts(id));
  const replay = async (decided: Decision, registry: Registry, { word, stored }: DecisionFacts) => ({
    ...viewDryRun(registry, await dryRun([word], registry, ports, stored)),
    facts: stored ? "as they were" : "too many to keep: as they are now",
    decided: {
      planned: decided.plannedCount,
      images: decided.planned.map((p) => p.image),
      skipped: decided.skipped,
      ...(decided.done ? { done: decided.done } : {}),
    },
  });

  return [
    route({
      method: "POST",
      template: "plans",
      summary:
        "What would be built, in which order and why, if a base moved, a ref were read now, or an image were rebuilt. Nothing is built",
      params: nothing,
      query: nothing,
      body: Asked,
      answers: Plans,
      answersAtOnce: true,
      async handle({ body }) {
        const registries = await allRegistries(ports);
        const { words, skipped } = await wordsFor(body, registries);
        const runs = await dryRunIn(registries, words, moved, ports);
        const plans = registries.flatMap((registry) => {
          const run = runs.get(registry);
          return run ? [viewDryRun(registry, run)] : [];
        });
        const told = plans.filter((p) => p.runs.length > 0 || p.skipped.length > 0);
        return answerJson({ plans: told, ...(skipped.length > 0 ? { skipped } : {}) });
      },
    }),
    route({
      method: "POST",
      template: "decisions/{id}/replay",
      summary:
        "The same decision made again from the facts it was made from, by today's rules and configuration. Nothing is built",
      params: z.object({ id: Name }),
      query: nothing,
      answers: Replays,
      answersAtOnce: true,
      async handle({ params }) {
        const decisions = await findDecision(params.id, ports);
        if (decisions.length === 0) throw notFound(`nothing is decided about ${params.id}, or not yet`);
        const registries = await allRegistries(ports);
        const plans = [];
        const lacking: string[] = [];
        for (const decided of decisions) {
          const registry = registries.find(({ alias }) => alias === decided.registry);
          const facts = registry && (await readFacts(decided.id, registry));
          if (facts) plans.push(await replay(decided, registry, facts));
          else lacking.push(whyNoFacts(decided));
        }
        if (plans.length === 0) throw new Problem(409, "Cannot be replayed", lacking.join("; "));
        return answerJson({ plans });
      },
    }),
  ];
}

/** What was decided before any registry was told has only its words; what may be asked again is asked of today. */
function whyNoFacts({ id, registry, skipped }: Decision): string {
  if (registry !== undefined) return `what ${id} was decided from in ${registry} is not kept`;
  const why = skipped.map((s) => (s.message ? `${s.reason} (${s.message})` : s.reason)).join(", ");
  return `${id} was decided before any registry planned: ${why}; POST /plans says what would be built now`;
}

function describe(reason: Reason): string {
  const shown = known(reason);
  return shown.kind === "base" && reason.kind === "base" && reason.to === someOther
    ? `base ${shown.reference} would move${shown.from ? ` from ${short(shown.from)}` : ""}`
    : describeReason(shown);
}

function known(reason: Reason): Reason {
  if (reason.kind !== "base") return reason;
  const { from, to, ...rest } = reason;
  return { ...rest, ...(from && from !== someOther ? { from } : {}), ...(to && to !== someOther ? { to } : {}) };
}

function viewDryRun(registry: Registry, { runs, skipped, done }: DryRun): z.infer<typeof Plan> {
  return {
    registry: registry.alias,
    planned: runs.length,
    runs: runs.map((run) => ({
      image: run.image,
      ref: run.ref,
      source: run.source.fullName,
      commit: run.commit,
      level: run.listensTo?.level ?? 0,
      why: run.reasons.map(describe),
      reasons: run.reasons.map(known),
      ...(run.hold ? { hold: run.hold } : {}),
    })),
    skipped,
    ...(done.length > 0 ? { done: done.join("; ") } : {}),
  };
}
