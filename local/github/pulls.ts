import type { WebhookEvent } from "./emit.ts";
import { gitIn, gitSays } from "./git.ts";
import type { Pull } from "./pull.ts";
import { pullBody } from "./pull-body.ts";
import { readPullFacts } from "./pull-facts.ts";
import { type RefUpdate, zeroSha } from "./refs.ts";
import { gitDirOf, repositoryById } from "./repositories.ts";
import type { Account, Repository } from "./state.ts";
import type { World } from "./world.ts";

/** Newest first. */
export function pullsOf(world: World, repository: Repository): Pull[] {
  return world.pulls
    .list()
    .filter((pull) => pull.repositoryId === repository.id)
    .sort((a, b) => b.number - a.number);
}

export function pullByNumber(world: World, repository: Repository, number: number): Pull | undefined {
  return pullsOf(world, repository).find((pull) => pull.number === number);
}

/** `opened`, `synchronize` and `reopened` leave before GitHub has tried to merge, so they do not know how that went. */
const beforeTestMerge = ["opened", "synchronize", "reopened"];

/** The `pull_request` event. https://docs.github.com/webhooks/webhook-events-and-payloads#pull_request */
export function pullEvent(world: World, pull: Pull, action: string, sender: Account, more: object = {}): WebhookEvent {
  const repository = repositoryById(world, pull.repositoryId)!;
  return {
    event: "pull_request",
    action,
    repository,
    sender,
    fields: {
      number: pull.number,
      pull_request: pullBody(world, pull, { merge: beforeTestMerge.includes(action) ? "untried" : "known" }),
      ...more,
    },
  };
}

/** One pull request as a push leaves it, and what the App is to be told of that. */
export interface MovedPull {
  pull: Pull;
  action: "synchronize" | "closed" | null;
  before: string;
}

/** A merge that this push carries out. */
export interface Merging {
  pullId: number;
  sha: string;
}

/**
 * What a push does to pull requests: a head that moves is a synchronize, a head or base that goes closes, a base that
 * has reached the head has merged it, and any other move of the base only changes the test merge.
 */
export async function pullsMovedBy(
  world: World,
  repository: Repository,
  updates: readonly RefUpdate[],
  by: Account,
  merging?: Merging,
): Promise<MovedPull[]> {
  const moved = new Map(updates.map(({ ref, after }) => [ref, after]));
  const open = world.pulls.list().filter(({ state }) => state === "open");
  const results: MovedPull[] = [];
  for (const pull of open) {
    const head = pull.headRepositoryId === repository.id ? moved.get(`refs/heads/${pull.headRef}`) : undefined;
    const base = pull.repositoryId === repository.id ? moved.get(`refs/heads/${pull.baseRef}`) : undefined;
    if (head === undefined && base === undefined) continue;
    const gone = head === zeroSha || base === zeroSha;
    const now = { ...pull, updatedAt: world.now() };
    const closed = (more: Partial<Pull> = {}): MovedPull => ({
      pull: { ...now, state: "closed", closedAt: world.now(), mergeCommitSha: null, ...more },
      action: "closed",
      before: pull.headSha,
    });
    if (gone) {
      results.push(closed());
      continue;
    }
    const shas = { headSha: head ?? pull.headSha, baseSha: base ?? pull.baseSha };
    const target = repositoryById(world, pull.repositoryId)!;
    const reached = base !== undefined && (await isReached(world, target, shas));
    if (reached || merging?.pullId === pull.id) {
      const mergeCommitSha = merging?.sha ?? shas.baseSha;
      results.push(closed({ mergedAt: world.now(), mergedById: by.id, mergeCommitSha }));
      continue;
    }
    const facts = await readPullFacts(world, target, shas);
    if (!facts) results.push(closed({ headSha: shas.headSha }));
    else
      results.push({ pull: { ...now, ...shas, ...facts }, action: head ? "synchronize" : null, before: pull.headSha });
  }
  return results;
}

function isReached(world: World, base: Repository, { headSha, baseSha }: Pick<Pull, "headSha" | "baseSha">) {
  return gitSays(gitDirOf(world, base), ["merge-base", "--is-ancestor", headSha, baseSha]);
}

/** The events of what pullsMovedBy found. Call after the pull requests have been put. */
export function movedPullEvents(world: World, moved: readonly MovedPull[], by: Account): WebhookEvent[] {
  return moved.flatMap(({ pull, action, before }) => {
    if (!action) return [];
    return [pullEvent(world, pull, action, by, action === "synchronize" ? { before, after: pull.headSha } : {})];
  });
}

/**
 * Brings `refs/pull/N/head` and `refs/pull/N/merge` in the bare repository to what the state says: the state is saved
 * first, so after a crash the next start does this again.
 */
export async function writePullRefs(world: World, repository: Repository): Promise<void> {
  const pulls = pullsOf(world, repository);
  if (pulls.length === 0) return;
  const wanted = new Map<string, string>();
  for (const pull of pulls) {
    wanted.set(`refs/pull/${pull.number}/head`, pull.headSha);
    if (pull.state === "open" && pull.mergeCommitSha) wanted.set(`refs/pull/${pull.number}/merge`, pull.mergeCommitSha);
  }
  const gitDir = gitDirOf(world, repository);
  const out = await gitIn(gitDir, ["for-each-ref", "--format=%(objectname) %(refname)", "refs/pull"]);
  const there = new Map(
    out.split("\n").flatMap((line) => (line ? [[line.slice(41), line.slice(0, 40)] as const] : [])),
  );
  const commands = [
    ...[...wanted].flatMap(([ref, sha]) => (there.get(ref) === sha ? [] : [`update ${ref} ${sha}\n`])),
    ...[...there.keys()].flatMap((ref) => (wanted.has(ref) ? [] : [`delete ${ref}\n`])),
  ];
  if (commands.length > 0) await gitIn(gitDir, ["update-ref", "--stdin"], { input: commands.join("") });
}
