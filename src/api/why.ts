/** What is known of a tag or a digest: the run that built it here, or that it is a base somebody else builds. */
import { z } from "zod";
import { quote } from "../core/image/quote.ts";
import { pastOf } from "../core/image/tag-history.ts";
import { rangeOf } from "../core/state/keys.ts";
import type { Followed, RunPointer } from "../core/state/rows.ts";
import { seenOfTag } from "../handlers/followed.ts";
import { platformPartition } from "../handlers/registries.ts";
import { Dependent, dependentsOf } from "./dependents.ts";
import { isPushedOver } from "./freshness.ts";
import { allRegistries, type HistoryPorts, mustFindRun } from "./history.ts";
import { namesOf, readMade } from "./named.ts";
import { answerJson, badRequest, notFound } from "./problem.ts";
import { type Route, route } from "./route.ts";
import { RunView, viewRun } from "./run-routes.ts";
import { Digest, Moment, nothing } from "./schemas.ts";

const SeenBase = z.object({
  tag: z.string().optional().describe("absent of a digest that images name themselves"),
  now: Digest.optional().describe("what was behind the tag when it was last looked at"),
  since: Moment.optional().describe("when that was first seen there"),
  until: Moment.optional().describe("of a digest that was asked for: when another was seen in its place"),
  checkedAt: Moment.optional(),
  problem: z.string().optional(),
  dependents: z.array(Dependent),
});
type SeenBase = z.infer<typeof SeenBase>;
const WhyView = z.object({
  reference: z.string(),
  run: RunView.optional().describe("that built it here"),
  why: z.string().optional().describe("why no run of ours explains it, or not all of it"),
  bases: z.array(SeenBase).optional(),
});

export function whyRoutes(ports: HistoryPorts): readonly Route[] {
  return [
    route({
      method: "GET",
      template: "why",
      summary:
        "Why an image is what it is: the run behind a repo:tag or a digest, its reasons and its causes; of a base that others build, what was seen of it and who stands on it",
      params: nothing,
      query: z.object({
        reference: z.string().min(1).max(500).describe("repo:tag, login-server/repo:tag, repo@sha256:… or sha256:…"),
      }),
      answers: WhyView,
      handle: async ({ query }) => answerJson(await explain(query.reference, ports)),
    }),
  ];
}

async function explain(reference: string, ports: HistoryPorts): Promise<z.infer<typeof WhyView>> {
  const digest = /(?:^|@)(sha256:[0-9a-f]{64})$/.exec(reference)?.[1];
  if (digest === undefined && /^sha\d+:/.test(reference)) {
    const message = `${quote(reference)} is not a digest: sha256: and 64 lower-case hex digits`;
    throw badRequest({ at: "query.reference", message });
  }
  const names = reference === digest ? [] : await namesOf(reference, "query.reference", ports);
  const explained = digest === undefined ? await explainTag(names, ports) : await explainDigest(digest, names, ports);
  if (explained) return { reference, ...explained };
  const untagged = /[:@][^/]*$/.test(reference) ? "" : `; it has no tag and no digest, and stands for ${names.at(-1)}`;
  throw notFound(`Slipway built nothing that is called ${reference}, and nothing stands on it${untagged}`);
}

type Explained = Omit<z.infer<typeof WhyView>, "reference">;
const foreign = "not built by Slipway: images here stand on it";

/** What Slipway pushed there last, and what is there instead if somebody else pushed since. */
async function explainTag(names: readonly string[], ports: HistoryPorts): Promise<Explained | undefined> {
  for (const name of names) {
    const made = await readMade(name, ports);
    if (!made) continue;
    const found = await mustFindRun(made.run, ports);
    const run = await viewRun(found, ports);
    const followed = await seenOfTag(name, ports);
    if (!isPushedOver(followed, made.digest, found.run.times.Succeeded ?? "")) return { run };
    const why = "somebody else pushed over what this run of Slipway's built";
    return { run, why, bases: [await viewSeen(name, followed, undefined, ports)] };
  }
  const seen = await Promise.all(
    names.map(async (name) => viewSeen(name, await seenOfTag(name, ports), undefined, ports)),
  );
  const bases = seen.filter((base) => base.checkedAt !== undefined || base.dependents.length > 0);
  return bases.length > 0 ? { why: foreign, bases } : undefined;
}

/** The newest run that built it; else the tags it is or was behind, and who names it. */
async function explainDigest(
  digest: string,
  names: readonly string[],
  ports: HistoryPorts,
): Promise<Explained | undefined> {
  for (const registry of await allRegistries(ports)) {
    const [row] = await ports.rows.list(registry.partition, rangeOf("digest", digest), 1);
    if (row) return { run: await viewRun(await mustFindRun((row.value as RunPointer).run, ports), ports) };
  }
  const repositories = names.map((name) => name.slice(0, name.indexOf("@")));
  const rows = await ports.rows.list(platformPartition, rangeOf("followed"), followedMost);
  const tags = rows
    .map((row) => row.value as Followed)
    .filter((f) => f.digest === digest || pastOf(f).some((p) => p.digest === digest))
    .filter((f) => names.length === 0 || repositories.some((repository) => f.reference.startsWith(`${repository}:`)))
    .map((f) => viewSeen(f.reference, f, digest, ports));
  const dependents = await dependentsOf(names, ports);
  const bases = [...(await Promise.all(tags)), ...(dependents.length > 0 ? [{ dependents }] : [])];
  return bases.length > 0 ? { why: foreign, bases } : undefined;
}

/** Followed tags looked through for a digest; they are as many as there are bases. */
const followedMost = 5000;

async function viewSeen(
  tag: string,
  followed: Followed | undefined,
  asked: string | undefined,
  ports: HistoryPorts,
): Promise<SeenBase> {
  const { digest, since, checkedAt, problem } = followed ?? {};
  const left = digest === asked ? undefined : pastOf(followed).findLast((p) => p.digest === asked);
  return {
    tag,
    ...(digest ? { now: digest } : {}),
    ...(since ? { since } : {}),
    ...(left ? { until: left.until } : {}),
    ...(checkedAt ? { checkedAt } : {}),
    ...(problem ? { problem } : {}),
    dependents: await dependentsOf([tag], ports),
  };
}
