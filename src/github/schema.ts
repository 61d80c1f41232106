/** GitHub's answers and payloads, only the fields we use. https://docs.github.com/rest */
import * as z from "zod";

/** Ids beyond 2^53 come as bigint from @octokit/request; they are names to us, so they become text. */
const opaqueId = z.union([z.string(), z.number(), z.bigint()]).transform(String);
const id = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);
const CommitSha = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);
const fullName = z.string().regex(/^(?!\.{1,2}\/)[A-Za-z0-9_.-]{1,100}\/(?!\.{1,2}$)[A-Za-z0-9_.-]{1,100}$/);

export const Repository = z.object({ id, full_name: fullName });

export const Installation = z.object({ id });
export const Installations = z.array(Installation);

const GitObject = z.object({ type: z.string(), sha: CommitSha });
export const GitRef = z.object({ ref: z.string(), object: GitObject });
export const GitRefs = z.array(GitRef);
export const GitTag = z.object({ object: GitObject });

export const GitTree = z.object({
  tree: z.array(z.object({ path: z.string(), mode: z.string(), type: z.string(), sha: z.string() })),
  truncated: z.boolean().optional(),
});

export const Deliveries = z.array(
  z.object({ id: opaqueId, guid: z.string(), delivered_at: z.string(), status_code: z.number().nullish() }),
);

const paths = z.array(z.string()).optional();

/** https://docs.github.com/webhooks/webhook-events-and-payloads#push */
export const PushPayload = z.object({
  ref: z.string(),
  before: CommitSha,
  after: CommitSha,
  created: z.boolean().optional(),
  deleted: z.boolean().optional(),
  forced: z.boolean().optional(),
  commits: z.array(z.object({ added: paths, removed: paths, modified: paths })).optional(),
  repository: Repository,
  pusher: z.object({ name: z.string().optional() }).nullish(),
  sender: z.object({ login: z.string() }).nullish(),
});
export type PushPayload = z.infer<typeof PushPayload>;
