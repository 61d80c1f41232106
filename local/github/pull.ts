/** A pull request. Times are epoch milliseconds. */
export interface Pull {
  id: number;
  /** A pull request is an issue too, under another id. */
  issueId: number;
  number: number;
  /** Whose pull request it is: the base's. */
  repositoryId: number;
  /** The head's repository, which may be gone by now. */
  headRepositoryId: number;
  /** Whose branch it was when opened: the label survives the repository. */
  headOwnerId: number;
  headRef: string;
  headSha: string;
  baseRef: string;
  baseSha: string;
  authorId: number;
  title: string;
  body: string | null;
  state: "open" | "closed";
  draft: boolean;
  maintainerCanModify: boolean;
  labels: string[];
  createdAt: number;
  updatedAt: number;
  closedAt: number | null;
  mergedAt: number | null;
  mergedById: number | null;
  /** While open: the test merge, null when there are conflicts. Afterwards: what it was merged as, if it was. */
  mergeCommitSha: string | null;
  commits: number;
  additions: number;
  deletions: number;
  changedFiles: number;
}
