/** One story's source repository: what a person does to it, and what became of that. */
import { git } from "../../local/github/git.ts";
import { pushFiles } from "../../local/github/push-files.ts";
import type { LocalRepository } from "../../local/github/start-github.ts";
import type { RunView } from "../../src/api/run-routes.ts";
import { isTerminal } from "../../src/core/run/transition.ts";
import type { Decision, RunSummary } from "../../src/core/state/rows.ts";
import type { Scenario } from "./scenario.ts";
import { type StoryImages, type StoryOptions, sourceFiles } from "./scenario-source.ts";
import { until } from "./scenario-until.ts";

export type { RunView };

export interface PushOptions extends Partial<StoryOptions> {
  readonly branch?: string;
  /** More files, or `null` for files to remove. */
  readonly files?: Readonly<Record<string, string | null>>;
}

const nothing = "0".repeat(40);

export class Story {
  readonly #scenario: Scenario;
  readonly name: string;
  readonly repository: LocalRepository;

  constructor(scenario: Scenario, name: string, repository: LocalRepository) {
    this.#scenario = scenario;
    this.name = name;
    this.repository = repository;
  }

  /** Commits slipway.yaml and the folders of these images, and pushes. */
  async push(images: StoryImages, { branch = "main", files = {}, ...options }: PushOptions = {}): Promise<string> {
    const all = { ...sourceFiles(images, { story: this.name, ...options }), ...files };
    return this.pushFiles(all, branch);
  }

  async pushFiles(files: Readonly<Record<string, string | null>>, branch = "main"): Promise<string> {
    return pushFiles(this.repository.cloneUrl, { branch, files: { ...files }, message: "Change" });
  }

  /** `git push --force`, of a commit the repository has: `<sha>:refs/heads/main`, `<sha>:refs/tags/v1`, `:refs/heads/gone`. */
  async pushRef(refspec: string): Promise<void> {
    const { gitDir, cloneUrl } = this.repository;
    await git(["--git-dir", gitDir, "push", "--quiet", "--force", cloneUrl, refspec]);
  }

  /** The newest delivery that told of this ref's move. */
  delivery(after: string | undefined, ref = "refs/heads/main") {
    return this.#scenario.twin.github.deliveries().find((delivery) => {
      if (delivery.event !== "push" || delivery.repositoryId !== this.repository.id) return false;
      const payload = JSON.parse(delivery.body) as { ref: string; after: string };
      return payload.ref === ref && payload.after === (after ?? nothing);
    });
  }

  /** Waits for the decision about a push. `after` undefined: the ref's deletion. */
  async decision(after: string | undefined, ref = "refs/heads/main"): Promise<Decision> {
    return until(`${this.name}: the push of ${after ?? "nothing"} to ${ref} is decided`, async () => {
      const delivery = this.delivery(after, ref);
      return delivery && this.decisionOf(delivery.guid);
    });
  }

  async decisionOf(id: string): Promise<Decision | undefined> {
    const found = await this.#scenario.readIfAny<{ decisions: Decision[] }>(`decisions/${id}`);
    return found?.decisions[0];
  }

  /** Newest first; none while Slipway has not heard of the repository. */
  async runs(query: Readonly<Record<string, string>> = {}): Promise<RunSummary[]> {
    const search = new URLSearchParams({ source: this.repository.fullName, limit: "100", ...query });
    return (await this.#scenario.readIfAny<{ runs: RunSummary[] }>(`runs?${search}`))?.runs ?? [];
  }

  async run(id: string): Promise<RunView> {
    return this.#scenario.read<RunView>(`runs/${id}`);
  }

  /** Waits until an image's newest run, of a commit when one is given, has ended. */
  async ended(image: string, commit?: string): Promise<RunView> {
    return this.reached(image, (run) => isTerminal(run.status), commit);
  }

  /** Waits until an image's newest run is as wanted. */
  async reached(image: string, wanted: (run: RunSummary) => boolean, commit?: string): Promise<RunView> {
    let seen = "nothing";
    const run = await until(
      `${this.name}: ${image} is as wanted`,
      async () => {
        const [newest] = await this.runs({ image, ...(commit ? { commit } : {}) });
        if (newest) seen = `${newest.id} ${newest.status} ${newest.outcome ?? ""}`;
        return newest && wanted(newest) && newest;
      },
      { orElse: () => `; seen: ${seen}` },
    );
    return this.run(run.id);
  }

  /** Pushes, waits for the decision and for everything it set off. */
  async pushed(images: StoryImages, options: PushOptions = {}): Promise<string> {
    const commit = await this.push(images, options);
    await this.decision(commit, `refs/heads/${options.branch ?? "main"}`);
    await this.#scenario.rest();
    return commit;
  }

  /** The state each context of a commit shows now. */
  statuses(sha: string): Record<string, { readonly state: string; readonly description: string }> {
    const newestFirst = this.#scenario.twin.github.statuses(this.repository.fullName, sha);
    return Object.fromEntries(
      [...newestFirst].reverse().map((s) => [s.context, { state: s.state, description: s.description ?? "" }]),
    );
  }

  /** `platform/<story>/<image>`. */
  imageRepository(image: string): string {
    return `platform/${this.name}/${image}`;
  }
}
