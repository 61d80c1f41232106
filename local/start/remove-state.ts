import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { removeTree } from "../engine/remove-tree.ts";

/** Written by every start before anything else is made; a folder without it is not ours to empty. */
const mark = "ports.json";

/** Removes what the twin keeps in `dir`, except `keep`. Refuses a folder that holds something else. */
export async function removeState(dir: string, keep: string): Promise<void> {
  if (!existsSync(dir)) return;
  const names = readdirSync(dir).filter((name) => name !== keep);
  if (names.length > 0 && !names.includes(mark))
    throw new Error(`--fresh: ${dir} does not look like a folder of npm start or npm run twin; empty it yourself`);
  // The mark goes last, so that what is interrupted here can be done again.
  for (const name of [...names.filter((each) => each !== mark), mark]) await removeTree(join(dir, name));
}
