/** GitHub's documented limits that a test may want to reach sooner. */
export interface Limits {
  /** Entries of a recursive tree before `truncated`: 100,000. https://docs.github.com/rest/git/trees */
  treeEntries: number;
  /** Bytes of a file returned with its content: 1 MB; up to `rawFileBytes` only raw. https://docs.github.com/rest/repos/contents */
  inlineFileBytes: number;
  /** Bytes of a file returned at all: 100 MB. */
  rawFileBytes: number;
  /** Entries of a directory listing: 1,000. */
  directoryEntries: number;
  /** Files listed by a comparison or on one page of a commit: 300. */
  comparedFiles: number;
  /** Files listed by a commit over all its pages: 3,000. */
  commitFiles: number;
  /** Commits in a push payload: 2,048. */
  pushCommits: number;
  /** Paths per commit in a push payload: 3,000. */
  pushFiles: number;
  /** More tags than this in one push send no event: 3. */
  pushTags: number;
  /** More branches than this in one push send no event: 5,000. */
  pushBranches: number;
  /** Bytes of a webhook payload; a larger one is never sent: 25 MB. */
  payloadBytes: number;
  /** How long a receiver may take: 10 s. */
  webhookTimeoutMs: number;
  /** Statuses per commit and context: 1,000. */
  statusesPerContext: number;
}

export const gitHubLimits: Readonly<Limits> = {
  treeEntries: 100_000,
  inlineFileBytes: 1024 * 1024,
  rawFileBytes: 100 * 1024 * 1024,
  directoryEntries: 1000,
  comparedFiles: 300,
  commitFiles: 3000,
  pushCommits: 2048,
  pushFiles: 3000,
  pushTags: 3,
  pushBranches: 5000,
  payloadBytes: 25 * 1024 * 1024,
  webhookTimeoutMs: 10_000,
  statusesPerContext: 1000,
};
