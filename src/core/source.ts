/** A Git repository at a provider. Only `id` identifies: owner and name change with renames and transfers. */
export interface SourceRepository {
  readonly provider: "github";
  readonly id: number;
  /** `owner/name`, as last seen. */
  readonly fullName: string;
}

export type TreeEntry = {
  readonly path: string;
  /** `100644`, `100755`, `120000` (symlink), `040000` (tree), `160000` (submodule). */
  readonly mode: string;
  readonly type: "blob" | "tree" | "commit";
  readonly sha: string;
};

/** Every file of a commit by content id, or `truncated` when the provider would not list them all. */
export interface SourceTree {
  readonly entries: readonly TreeEntry[];
  readonly truncated: boolean;
}

/** What GitHub shows next to a commit. https://docs.github.com/rest/commits/statuses */
export interface CommitStatus {
  readonly state: "pending" | "success" | "failure" | "error";
  readonly context: string;
  /** At most 140 characters, else GitHub refuses it. */
  readonly description: string;
  readonly targetUrl?: string;
}

/** A branch or tag moved, appeared or went away; GitHub's word for it, so a hint: whoever acts on it reads the ref again. */
export interface RefMoved {
  readonly sourceRepository: SourceRepository;
  /** Full: `refs/heads/…` or `refs/tags/…`. */
  readonly ref: string;
  /** All zeros for a ref that is new. For annotated tags these may be tag objects, not commits. */
  readonly before: string;
  /** All zeros for a ref that is deleted. */
  readonly after: string;
  readonly deleted: boolean;
  /** Files touched by the pushed commits; `unknown` whenever the payload may not name them all. */
  readonly changedPaths: readonly string[] | "unknown";
  /** Login, for people to read; never a ground for trust. */
  readonly pusher: string;
}

export type ReadPush =
  | { readonly ok: true; readonly event: RefMoved }
  | { readonly ok: false; readonly message: string }
  | { readonly ok: "ignored"; readonly reason: string };
