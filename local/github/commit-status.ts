/** A commit status. Never changed once posted; the newest of a context counts. */
export interface CommitStatus {
  id: number;
  repositoryId: number;
  sha: string;
  state: StatusState;
  context: string;
  description: string | null;
  targetUrl: string | null;
  creator: string;
  createdAt: number;
}

export const statusStates = ["error", "failure", "pending", "success"] as const;
export type StatusState = (typeof statusStates)[number];
