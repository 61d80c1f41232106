import { saveAndSend } from "./emit.ts";
import { pullByNumber, pullEvent } from "./pulls.ts";
import { getRepository } from "./repositories.ts";
import type { Account } from "./state.ts";
import type { World } from "./world.ts";

/** Makes a pull request a draft or ready for review. GitHub has GraphQL and a button for that, no REST. */
export function setDraft(world: World, fullName: string, number: number, draft: boolean, sender: Account): void {
  const pull = pullByNumber(world, getRepository(world, fullName), number);
  if (!pull) throw new Error(`${fullName} has no pull request ${number}`);
  if (pull.draft === draft) return;
  const now = { ...pull, draft, updatedAt: world.now() };
  world.pulls.put(now);
  saveAndSend(world, [pullEvent(world, now, draft ? "converted_to_draft" : "ready_for_review", sender)]);
}
