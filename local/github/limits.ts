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
  /** Commits listed by a comparison that is not paged: 250. https://docs.github.com/rest/commits/commits#compare-two-commits */
  comparedCommits: number;
  /** Files listed by a commit over all its pages: 3,000. */
  commitFiles: number;
  /** Commits in a push payload: 2,048. */
  pushCommits: number;
  /** Paths per commit in a push payload: 3,000. */
  pushFiles: number;
  /** When more tags than this are pushed at once, none of them sends an event: 3. */
  pushTags: number;
  /** More branches than this in one push, and nothing in it sends an event: 5,000. */
  pushBranches: number;
  /** Bytes of a webhook payload; a larger one is never sent: 25 MB. */
  payloadBytes: number;
  /** How long a receiver may take: 10 s. */
  webhookTimeoutMs: number;
  /** Statuses per commit and context: 1,000. */
  statusesPerContext: number;
  /** Files listed by a pull request over all its pages: 3,000. https://docs.github.com/rest/pulls/pulls#list-pull-requests-files */
  pullFiles: number;
  /** Commits listed by a pull request: 250. */
  pullCommits: number;
  /** Check runs of one name in a suite before the oldest goes: 1,000. https://docs.github.com/rest/checks/runs */
  checkRunsPerName: number;
  /** Requests an hour with a person's token, and at least for an installation: 5,000. https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api */
  requestsPerHour: number;
  /** Requests an hour without credentials: 60. */
  anonymousRequestsPerHour: number;
  /** Requests under way at once: 100. */
  concurrentRequests: number;
  /** Points a minute, 1 for a reading request and 5 for any other: 900. */
  pointsPerMinute: number;
  /** Requests a minute that create content: 80. */
  creationsPerMinute: number;
  /** … and an hour: 500. */
  creationsPerHour: number;
}

export const gitHubLimits: Readonly<Limits> = {
  treeEntries: 100_000,
  inlineFileBytes: 1024 * 1024,
  rawFileBytes: 100 * 1024 * 1024,
  directoryEntries: 1000,
  comparedFiles: 300,
  comparedCommits: 250,
  commitFiles: 3000,
  pushCommits: 2048,
  pushFiles: 3000,
  pushTags: 3,
  pushBranches: 5000,
  payloadBytes: 25 * 1024 * 1024,
  webhookTimeoutMs: 10_000,
  statusesPerContext: 1000,
  pullFiles: 3000,
  pullCommits: 250,
  checkRunsPerName: 1000,
  requestsPerHour: 5000,
  anonymousRequestsPerHour: 60,
  concurrentRequests: 100,
  pointsPerMinute: 900,
  creationsPerMinute: 80,
  creationsPerHour: 500,
};
