/** Letting waves go on or stop, and pausing what is released by itself. */
import { z } from "zod";
import type { Cause } from "../core/plan/reason.ts";
import { rangeOf } from "../core/state/keys.ts";
import type { Inbox, Pause } from "../core/state/rows.ts";
import { allRegistries, type HistoryPorts, tracksOfImage } from "./history.ts";
import { notFound } from "./problem.ts";
import { answerJson, type Route, route } from "./route.ts";
import { findWaves } from "./waves.ts";

export interface HoldPorts extends HistoryPorts {
  /** Leaves the word and answers 202. */
  accept(alias: string, word: Inbox): Promise<void>;
  requestId(header: (name: string) => string | undefined, what: string): string;
  causeOf(id: string, action: string): Cause;
}

const Name = z.string().min(1).max(200);
const Accepted = z.object({ id: z.string(), decision: z.string(), registries: z.array(z.string()) });
const Scope = {
  registry: Name.optional().describe("alias; every registry when absent"),
  image: Name.optional().describe("one image; every image when absent"),
};

export function holdRoutes(ports: HoldPorts): readonly Route[] {
  const tell = async (aliases: readonly string[], word: Inbox) => {
    for (const alias of aliases) await ports.accept(alias, word);
    return answerJson({ id: word.id, decision: `decisions/${word.id}`, registries: aliases }, 202);
  };
  const ofWave = (action: "continue" | "stop", summary: string) =>
    route({
      method: "POST",
      template: `waves/{id}/${action}`,
      summary,
      params: z.object({ id: Name }),
      query: z.object({}),
      answers: Accepted,
      async handle({ params, header }) {
        const found = await findWaves(params.id, ports);
        if (found.length === 0) throw notFound(`there is no wave ${params.id}`);
        const id = ports.requestId(header, `${action}-${params.id}`);
        const word: Inbox = { kind: "wave-requested", id, cause: ports.causeOf(id, action), wave: params.id, action };
        return tell(
          found.map((f) => f.registry.alias),
          word,
        );
      },
    });
  const aliasesFor = async (scope: { registry?: string | undefined; image?: string | undefined }) => {
    const all = (await allRegistries(ports)).map((r) => r.alias);
    const named = scope.registry === undefined ? all : all.filter((alias) => alias === scope.registry);
    if (named.length === 0) throw notFound(`there is no registry ${scope.registry}`);
    if (scope.image === undefined) return named;
    const tracks = await tracksOfImage(scope.image, ports);
    const built = named.filter((alias) => tracks.some((t) => t.registry.alias === alias));
    if (built.length === 0) throw notFound(`no image ${scope.image} is built by Slipway`);
    return built;
  };
  const pausing = (action: "pause" | "resume", summary: string, body: z.ZodObject) =>
    route({
      method: "POST",
      template: action,
      summary,
      params: z.object({}),
      query: z.object({}),
      body,
      answers: Accepted,
      async handle({ body: asked, header }) {
        const scope = asked as { registry?: string; image?: string; why?: string };
        const id = ports.requestId(header, `${action}-${scope.image ?? scope.registry ?? "everything"}`);
        return tell(await aliasesFor(scope), {
          kind: "pause-requested",
          id,
          cause: ports.causeOf(id, action),
          action,
          ...(scope.image ? { image: scope.image } : {}),
          why: scope.why ?? "",
        });
      },
    });
  return [
    ofWave("continue", "Let a wave go on: neither canaries nor failures stop it any more"),
    ofWave("stop", "Stop a wave: what it planned waits; what is at ACR goes on"),
    pausing(
      "pause",
      "Hold what would be released by itself: of an image, a registry or everything. What a person asks for is built",
      z.strictObject({ ...Scope, why: z.string().min(1).max(200).describe("shown to whoever waits") }),
    ),
    pausing("resume", "End such a pause", z.strictObject(Scope)),
  ];
}

export async function listPauses(ports: HistoryPorts) {
  const found = await Promise.all(
    (await allRegistries(ports)).map(async (registry) =>
      (await ports.rows.list(registry.partition, rangeOf("pause"), 1000)).map((row) => {
        const image = decodeImage(row.key);
        return { registry: registry.alias, ...(image === undefined ? {} : { image }), ...(row.value as Pause) };
      }),
    ),
  );
  return found.flat();
}

/** `pause|image|<name>`; names of images need no escaping. */
function decodeImage(rowKey: string): string | undefined {
  const [, scope, image] = rowKey.split("|");
  return scope === "image" ? image : undefined;
}
