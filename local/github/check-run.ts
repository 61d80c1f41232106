export const checkStatuses = ["queued", "in_progress", "completed"] as const;
export const conclusions = [
  "action_required",
  "cancelled",
  "failure",
  "neutral",
  "success",
  "skipped",
  "timed_out",
] as const;
export type CheckStatus = (typeof checkStatuses)[number];
export type Conclusion = (typeof conclusions)[number];

/** All check runs of the App for one commit of one repository. Times are epoch milliseconds. */
export interface CheckSuite {
  id: number;
  repositoryId: number;
  headSha: string;
  headBranch: string | null;
  before: string | null;
  createdAt: number;
  updatedAt: number;
  /** Asked for again, and no run has answered yet: queued whatever its runs say. */
  rerequested: boolean;
}

export interface CheckRun {
  id: number;
  suiteId: number;
  repositoryId: number;
  name: string;
  headSha: string;
  status: CheckStatus;
  conclusion: Conclusion | null;
  detailsUrl: string | null;
  externalId: string;
  startedAt: string | null;
  completedAt: string | null;
  output: { title: string | null; summary: string | null; text: string | null };
  annotations: Record<string, unknown>[];
  actions: { label: string; description: string; identifier: string }[];
  createdAt: number;
}
