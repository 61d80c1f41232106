import { type DecisionAnswer, isEnded, type RunAnswer, type StatusAnswer, type SummaryAnswer } from "./answers.ts";

/** What the product said when it was last asked. */
export interface Seen {
  /** Newest first. */
  readonly decisions: readonly DecisionAnswer[];
  /** Every open run, and of each image without one the newest; in the order in which they were planned. */
  readonly runs: readonly RunAnswer[];
  /** How many runs are open. */
  readonly open: number;
  /** Newest of each context. */
  readonly statuses: readonly StatusAnswer[];
  /** Head of the demo's main branch. */
  readonly commit: string;
}

export interface ProductSources {
  readonly api: string;
  readonly readKey: string;
  /** Commit statuses the local GitHub has of a commit, newest first. */
  statuses(commit: string): readonly StatusAnswer[];
  head(): Promise<string>;
}

/** The API may be away while the host restarts. */
const timeout = 5_000;

/** Asks the product's read API like anybody else would. Ended runs are asked for once. */
export async function readProduct(sources: ProductSources, before: Seen | undefined): Promise<Seen> {
  const commit = await sources.head();
  const { decisions } = await get<{ decisions: DecisionAnswer[] }>(sources, "decisions?limit=50");
  const { runs: summaries } = await get<{ runs: SummaryAnswer[] }>(sources, "runs?limit=100");
  const known = new Map((before?.runs ?? []).map((run) => [run.id, run]));
  const runs = await Promise.all(
    shownRuns(summaries).map(async ({ id, status }) => {
      const last = known.get(id);
      return last && isEnded(last) && last.status === status ? last : get<RunAnswer>(sources, `runs/${id}`);
    }),
  );
  const statuses = [...new Map([...sources.statuses(commit)].reverse().map((s) => [s.context, s])).values()];
  return { decisions, runs, open: summaries.filter((run) => !isEnded(run)).length, statuses, commit };
}

function shownRuns(newestFirst: readonly SummaryAnswer[]): SummaryAnswer[] {
  const images = new Set<string>();
  const shown = newestFirst.filter((run) => {
    const first = !images.has(run.image);
    images.add(run.image);
    return first || !isEnded(run);
  });
  return shown.reverse();
}

async function get<T>({ api, readKey }: ProductSources, path: string): Promise<T> {
  const answer = await fetch(`${api}/${path}`, {
    headers: { "x-functions-key": readKey },
    signal: AbortSignal.timeout(timeout),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`GET ${path}: ${answer.status}`);
  return JSON.parse(text, plainText) as T;
}

/** Names and messages come from pushes: none of them may steer a terminal. */
function plainText(_key: string, value: unknown): unknown {
  return typeof value === "string"
    ? value.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, " ")
    : value;
}
