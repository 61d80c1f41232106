import { accountByLogin } from "./account-body.ts";
import { deliver, prepareDelivery } from "./deliver.ts";
import type { Delivery } from "./delivery-log.ts";
import { takeFault } from "./faults.ts";
import { gitIn } from "./git.ts";
import { type Push, readPush } from "./push.ts";
import { pushPayload } from "./push-payload.ts";
import { diffRefs, type RefUpdate, readRefs } from "./refs.ts";
import { fullNameOf, gitDirOf, installationOf } from "./repositories.ts";
import { type Account, anonymousPusher, type Repository } from "./state.ts";
import { record, type World } from "./world.ts";

/**
 * Tells the world what moved in a repository since it was last told. The bare repository is the truth and the refs in
 * the state are what has been announced, so a crash between Git's update and the webhook leaves a difference, and the
 * next call (at start, at the latest) finds it. Run it only inside `world.pushes`.
 */
export async function announceRefs(world: World, repository: Repository, sender?: Account): Promise<RefUpdate[]> {
  const gitDir = gitDirOf(world, repository);
  const current = await readRefs(gitDir);
  const updates = diffRefs(repository.refs, current);
  if (updates.length === 0) return [];
  const by = sender ?? accountByLogin(world, anonymousPusher)!;
  const silent = whySilent(world, updates);
  const pushes = silent ? [] : await readPushes(world, gitDir, updates, repository.refs, current);

  const adopted = defaultBranchToAdopt(repository, current);
  if (adopted) await gitIn(gitDir, ["symbolic-ref", "HEAD", `refs/heads/${adopted}`]);

  // From here to the save nothing waits: it happens altogether or, after a crash, again with the same ids.
  repository.pushedAt = world.now();
  repository.updatedAt = world.now();
  if (adopted) repository.defaultBranch = adopted;
  const prepared = pushes.flatMap((push) => prepare(world, repository, push, by));
  world.lag.begin(repository, world.faults.refLagMs);
  repository.refs = current;
  world.state.save();

  const name = fullNameOf(world, repository);
  record(world, { kind: "pushed", repository: name, by: by.login, updates });
  if (silent) withheld(world, name, updates, silent);
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

/** Why a push sends no event at all. https://docs.github.com/webhooks/webhook-events-and-payloads#push */
function whySilent(world: World, updates: readonly RefUpdate[]): string | undefined {
  if (!world.state.value.hook) return "no webhook is set";
  const tags = updates.filter((update) => update.ref.startsWith("refs/tags/")).length;
  if (tags > world.limits.pushTags) return `more than ${world.limits.pushTags} tags in one push`;
  if (updates.length - tags > world.limits.pushBranches) {
    return `more than ${world.limits.pushBranches} branches in one push`;
  }
  return undefined;
}

function prepare(world: World, repository: Repository, push: Push, sender: Account): Delivery[] {
  const name = fullNameOf(world, repository);
  if (takeFault(world.faults, "loseWebhooks")) {
    withheld(world, name, [push], "fault: lost");
    return [];
  }
  const delivery = prepareDelivery(world, {
    event: "push",
    action: null,
    installationId: installationOf(world, repository)?.id ?? null,
    repositoryId: repository.id,
    payload: pushPayload(world, repository, push, sender),
  });
  if (!delivery) withheld(world, name, [push], "the payload is over 25 MB");
  return delivery ? [delivery] : [];
}

function withheld(world: World, repository: string, updates: readonly RefUpdate[], why: string): void {
  record(world, { kind: "webhook-withheld", event: "push", repository, refs: updates.map(({ ref }) => ref), why });
}

/** The first branch pushed to an empty repository becomes its default branch, whatever was planned. */
function defaultBranchToAdopt(repository: Repository, current: Record<string, string>): string | undefined {
  const branches = (refs: Record<string, string>) => Object.keys(refs).filter((ref) => ref.startsWith("refs/heads/"));
  if (branches(repository.refs).length > 0 || current[`refs/heads/${repository.defaultBranch}`]) return undefined;
  return branches(current)[0]?.slice("refs/heads/".length);
}
