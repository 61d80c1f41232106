import { accountByLogin } from "./account-body.ts";
import { saveAndSend } from "./emit.ts";
import { installOn, reselect } from "./installations.ts";
import { getRepository } from "./repositories.ts";
import type { Installation, Repository } from "./state.ts";
import type { World } from "./world.ts";

/** What its owner does on GitHub's pages: installs the App for all or for some repositories, or chooses anew. */
export function install(world: World, login: string, repositories: "all" | string[]): Installation {
  const account = accountByLogin(world, login);
  if (!account) throw new Error(`the local GitHub has no account ${login}`);
  const chosen = repositories === "all" ? undefined : repositories.map((name) => getRepository(world, name));
  const known = world.state.value.installations.find(({ accountId }) => accountId === account.id);
  if (!known) {
    const event = installOn(
      world,
      account,
      chosen?.map(({ id }) => id),
    );
    saveAndSend(world, [event]);
    return event.installation!;
  }
  const all = world.state.value.repositories.filter(({ ownerId }) => ownerId === account.id);
  const had = known.repositoryIds ?? all.map(({ id }) => id);
  const has = chosen ?? all;
  const removed = all.filter((each) => had.includes(each.id) && !has.includes(each));
  const added = has.filter((each) => !had.includes(each.id));
  if (chosen) known.repositoryIds = had;
  else delete known.repositoryIds;
  const changes: { added?: Repository[]; removed?: Repository[] }[] = [
    ...(added.length > 0 ? [{ added }] : []),
    ...(removed.length > 0 ? [{ removed }] : []),
  ];
  saveAndSend(
    world,
    changes.map((change) => reselect(world, known, change, account)),
  );
  return known;
}
