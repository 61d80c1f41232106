import { gitIn } from "../github/git.ts";
import { pushFiles } from "../github/push-files.ts";
import type { LocalGitHub, LocalRepository } from "../github/start-github.ts";
import { demoFiles, demoRepository } from "./demo-repository.ts";

const branch = "main";
const changed = "images/base/base";

export interface DemoPush {
  readonly repository: LocalRepository;
  /** Head of main. */
  readonly commit: string;
  /** False: it was there from an earlier start. */
  readonly pushed: boolean;
}

/** Makes demo/platform and pushes its first commit, unless an earlier start has done so. */
export async function pushDemo(github: LocalGitHub): Promise<DemoPush> {
  const repository = await github.createRepository(demoRepository);
  const head = await headOf(repository);
  if (head !== "") return { repository, commit: head, pushed: false };
  const commit = await pushFiles(repository.cloneUrl, {
    branch,
    files: { ...demoFiles },
    message: "Five images that stand on each other",
  });
  return { repository, commit, pushed: true };
}

/** Changes one file of `base`, on which everything stands, in whatever state people have brought the repository. */
export async function pushChange(repository: LocalRepository): Promise<string> {
  const before = await gitIn(repository.gitDir, ["show", `${branch}:${changed}`]).catch(() => "");
  const layers = before.split("\n").filter((line) => line !== "");
  return pushFiles(repository.cloneUrl, {
    branch,
    files: { [changed]: `${[...layers, `layer ${layers.length + 1}`].join("\n")}\n` },
    message: "base: one more layer of solid ground",
  });
}

export async function headOf(repository: LocalRepository): Promise<string> {
  return (await gitIn(repository.gitDir, ["for-each-ref", "--format=%(objectname)", `refs/heads/${branch}`])).trim();
}
