import { accountByLogin } from "./account-body.ts";
import { pushSuiteEvents } from "./check-suites.ts";
import { deliver } from "./deliver.ts";
import { prepareEvents, type WebhookEvent, withhold } from "./emit.ts";
import { gitIn } from "./git.ts";
import { type Merging, movedPullEvents, pullsMovedBy, writePullRefs } from "./pulls.ts";
import { type Push, readPush } from "./push.ts";
import { pushPayload } from "./push-payload.ts";
import { diffRefs, type RefUpdate, readRefs } from "./refs.ts";
import { fullNameOf, gitDirOf, repositoryById } from "./repositories.ts";
import { type Account, anonymousPusher, type Repository } from "./state.ts";
import { record, type World } from "./world.ts";

/**
 * Tells the world what moved in a repository since it was last told. The bare repository is the truth and the refs in
 * the state are what has been announced, so a crash between Git's update and the webhook leaves a difference, and the
 * next call (at start, at the latest) finds it. Run it only inside `world.pushes`. `merging` says which pull request the
 * move of a base carries out.
 */
export async function announceRefs(
  world: World,
  repository: Repository,
  sender?: Account,
  merging?: Merging,
): Promise<RefUpdate[]> {
  const gitDir = gitDirOf(world, repository);
  const current = await readRefs(gitDir);
  const updates = diffRefs(repository.refs, current);
  if (updates.length === 0) return [];
  const by = sender ?? accountByLogin(world, anonymousPusher)!;
  const silence = whySilent(world, updates);
  const told = updates.filter(({ ref }) => !silence(ref));
  const pushes = await readPushes(world, gitDir, told, repository.refs, current);
  const moved = await pullsMovedBy(world, repository, updates, by, merging);

  const adopted = defaultBranchToAdopt(repository, current);
  if (adopted) await gitIn(gitDir, ["symbolic-ref", "HEAD", `refs/heads/${adopted}`]);

  // From here to the save nothing waits: it happens altogether or, after a crash, again with the same ids.
  repository.pushedAt = world.now();
  repository.updatedAt = world.now();
  if (adopted) repository.defaultBranch = adopted;
  for (const { pull } of moved) world.pulls.put(pull);
  const prepared = prepareEvents(world, [
    ...pushes.map((push) => pushEvent(world, repository, push, by)),
    ...pushes.flatMap((push) => pushSuiteEvents(world, repository, push, by)),
    ...movedPullEvents(world, moved, by),
  ]);
  world.lag.begin(repository, world.faults.refLagMs);
  repository.refs = current;
  world.state.save();

  record(world, { kind: "pushed", repository: fullNameOf(world, repository), by: by.login, updates });
  for (const why of new Set(updates.flatMap(({ ref }) => silence(ref) ?? []))) {
    const refs = updates.map(({ ref }) => ref).filter((ref) => silence(ref) === why);
    withhold(world, { event: "push", action: null, repository, sender: by, fields: {}, refs }, why);
  }
  for (const base of new Set(moved.map(({ pull }) => pull.repositoryId))) {
    await writePullRefs(world, repositoryById(world, base)!);
  }
  for (const delivery of prepared) deliver(world, delivery);
  return updates;
}

async function readPushes(
  world: World,
  gitDir: string,
  updates: readonly RefUpdate[],
  old: Record<string, string>,
  current: Record<string, string>,
): Promise<Push[]> {
  const pushes: Push[] = [];
  for (const update of updates) pushes.push(await readPush(world, gitDir, update, old, current));
  return pushes;
}

/** Why the move of a ref sends no event, if so. https://docs.github.com/webhooks/webhook-events-and-payloads#push */
function whySilent(world: World, updates: readonly RefUpdate[]): (ref: string) => string | undefined {
  const { pushTags, pushBranches } = world.limits;
  const tags = updates.filter(({ ref }) => isTag(ref)).length;
  return (ref) => {
    if (!world.state.value.hook) return "no webhook is set";
    if (updates.length - tags > pushBranches) return `more than ${pushBranches} branches in one push`;
    return isTag(ref) && tags > pushTags ? `more than ${pushTags} tags in one push` : undefined;
  };
}

function isTag(ref: string): boolean {
  return ref.startsWith("refs/tags/");
}

function pushEvent(world: World, repository: Repository, push: Push, sender: Account): WebhookEvent {
  const payload = pushPayload(world, repository, push, sender);
  return { event: "push", action: null, repository, sender, fields: {}, payload, refs: [push.ref] };
}

/** The first branch pushed to an empty repository becomes its default branch, whatever was planned. */
function defaultBranchToAdopt(repository: Repository, current: Record<string, string>): string | undefined {
  const branches = (refs: Record<string, string>) => Object.keys(refs).filter((ref) => ref.startsWith("refs/heads/"));
  if (branches(repository.refs).length > 0 || current[`refs/heads/${repository.defaultBranch}`]) return undefined;
  return branches(current)[0]?.slice("refs/heads/".length);
}
