import type { RefUpdate } from "./refs.ts";

/** What the twin did that somebody outside can see, in order. Holds no secret and no token. */
export type LedgerEntry = { at: string } & (
  | { kind: "repository-created"; repository: string; id: number }
  | { kind: "pushed"; repository: string; by: string; updates: RefUpdate[] }
  /** Every request to the API that was meant to change something and was granted. */
  | { kind: "request"; by: string; method: string; path: string; status: number; did?: Record<string, unknown> }
  | {
      kind: "webhook-withheld";
      event: string;
      action?: string;
      repository: string | null;
      refs?: string[];
      why: string;
    }
  | { kind: "webhook-sent"; id: number; guid: string; event: string; redelivery: boolean; status: string }
  | {
      kind: "token-issued";
      installationId: number;
      permissions: Record<string, string>;
      repositoryIds?: number[];
    }
  | { kind: "status-posted"; repository: string; sha: string; context: string; state: string; id: number }
  | { kind: "archive-served"; repository: string; sha: string }
);

export type LedgerEvent = LedgerEntry extends infer E ? (E extends LedgerEntry ? Omit<E, "at"> : never) : never;
