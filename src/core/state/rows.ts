/** The values of the rows in a registry's partition. Only a reconcile pass writes runs, tracks and edges. */
import type { ConfigProblem, ImageDefinition } from "../config/definition.ts";
import type { Cause, Hold, Reason, SkipReason } from "../plan/reason.ts";
import type { AcrStatus } from "../run/acr-run.ts";
import type { SourceRepository } from "../source.ts";

export type RunStatus = "Planned" | "Preparing" | "Scheduling" | AcrStatus | "Skipped" | "Superseded";

/** What an image stands on. */
export interface Base {
  /** Canonical reference. */
  readonly reference: string;
  readonly class: "runtime" | "buildtime" | "frontend";
  /** Named by digest: it never moves. */
  readonly pinned: boolean;
}

/** What a build is made of. Two builds with equal values would give the same image. */
export interface Wanted {
  readonly commit: string;
  /** Content id of every file the image is built from; the commit only explains. */
  readonly inputs: string;
  /** Canonical text of the definition. */
  readonly definition: string;
  /** Set only by a retry, a schedule tick or a rebuild: somebody wants a build although nothing changed. */
  readonly occurrence?: string;
}

export interface OpenRun {
  readonly id: string;
  /** Place in the queue; a run that superseded another has the other's. */
  readonly order: number;
  readonly waves: readonly string[];
}

export interface Built extends Wanted {
  readonly bases: Readonly<Record<string, string | null>>;
  /** False when a base moved while the image was being built: nobody can say which one is inside. */
  readonly proved: boolean;
  readonly digest: string;
  readonly run: string;
  readonly at: string;
}

/** An image built from one ref: the unit of state. */
export interface Track {
  readonly key: string;
  readonly source: SourceRepository;
  readonly ref: string;
  readonly image: string;
  readonly definition: ImageDefinition;
  readonly dockerfileSha: string;
  readonly bases: readonly Base[];
  /** Stable tags as canonical references. */
  readonly makes: readonly string[];
  readonly wanted: Wanted;
  readonly built?: Built;
  readonly planned?: OpenRun;
  readonly active?: OpenRun;
  /** Consecutive failures of the present inputs. */
  readonly failures: number;
  /** Waves in which a person cancelled its run: they do not plan it again. */
  readonly declined?: readonly string[];
  /** The image is no longer built from this ref; the row stays until its last run at ACR has ended. */
  readonly retired?: boolean;
}

export interface PastHold {
  readonly hold: Hold;
  readonly since: string;
  readonly until?: string;
}

export interface Run {
  readonly id: string;
  readonly seq: number;
  readonly registry: string;
  readonly loginServer: string;
  readonly track: string;
  readonly image: string;
  readonly source: SourceRepository;
  readonly ref: string;
  readonly commit: string;
  readonly repository: string;
  readonly status: RunStatus;
  /** When each status was first seen by us, ISO 8601. */
  readonly times: Readonly<Partial<Record<RunStatus, string>>>;
  readonly reasons: readonly Reason[];
  readonly cause: Cause;
  readonly waves: readonly string[];
  readonly occurrence?: string;
  /** Place in the queue; a run that supersedes another keeps its place. */
  readonly order: number;
  /** Since when there has been something to build, ISO 8601: of the first run that this one superseded, if any. */
  readonly wantedSince: string;
  /** Key of the `ready` or `wait` row while planned. */
  readonly place?: string;
  readonly hold?: Hold;
  /** What it has waited for, the last few, with when. */
  readonly holds?: readonly PastHold[];
  readonly baseTries: number;
  /** Number of the last attempt; 0 before the first. */
  readonly attempt: number;
  readonly acrRunId?: string;
  readonly digest?: string;
  /** Full references pushed. */
  readonly tags?: readonly string[];
  readonly bases?: Readonly<Record<string, string | null>>;
  readonly cancelRequested?: boolean;
  /** Released out of a cycle: it waits for no base any more. */
  readonly outOfCycle?: boolean;
  /** Tracks whose runs led to this one outside any plan; a track is not set off by a run that it set off itself. */
  readonly lineage?: readonly string[];
  /** Why it ended as it did, for people. */
  readonly ended?: { readonly code: string; readonly message: string };
  readonly notes?: readonly string[];
  readonly supersededBy?: string;
  readonly log?: { readonly blob: string; readonly bytes: number };
  readonly owner?: string;
}

/** What index rows and lists show of a run. */
export interface RunSummary {
  readonly id: string;
  readonly image: string;
  readonly source: string;
  readonly ref: string;
  readonly commit: string;
  readonly status: RunStatus;
  readonly plannedAt: string;
  readonly endedAt?: string;
  readonly digest?: string;
  readonly why: string;
  readonly outcome?: string;
}

export type AttemptStage = "preparing" | "prepared" | "calling" | "lost" | "linked" | "ended";

/** One ACR run for a run of ours. `wanted` is frozen here. */
export interface Attempt {
  readonly run: string;
  readonly number: number;
  readonly stage: AttemptStage;
  readonly startedAt: string;
  /** Frozen with `wanted`: what slipway.yaml says later is a later run's business. */
  readonly definition: ImageDefinition;
  readonly wanted: Wanted;
  readonly bases: Readonly<Record<string, string | null>>;
  readonly stableTags: readonly string[];
  readonly uniqueTags: readonly string[];
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly sourceLocation?: string;
  /** While calling: when the call began, and when it can no longer be under way. */
  readonly calledAt?: string;
  readonly deadline?: string;
  /** ACR runs whose log shows that they are not ours. */
  readonly excluded?: readonly string[];
  readonly acrRunId?: string;
  readonly acrStatus?: AcrStatus;
  readonly endedAt?: string;
  readonly ended?: string;
}

/** A planned or running slot at ACR. */
export interface Live {
  readonly seq: number;
  readonly run: string;
  readonly attempt: number;
}

/** A planned run that waits; its key says until when. */
export interface Waiting {
  readonly run: string;
  readonly hold: Hold["kind"];
  readonly order: number;
}

/** Something owed to the world outside the partition; deleted when done, sent again by the sweep when it is late. */
export interface Due {
  readonly kind: "report" | "prepare" | "collect";
  readonly run: string;
  readonly attempt: number;
  readonly seq: number;
  /** How often the sweep has sent it again. */
  readonly resent?: number;
}

export interface SnapshotImage {
  readonly name: string;
  readonly definition: ImageDefinition;
  readonly definitionKey: string;
  readonly inputs: string;
  readonly dockerfileSha: string;
  readonly bases: readonly Base[];
  readonly makes: readonly string[];
}

export interface Refusal {
  readonly image: string;
  readonly reason: SkipReason;
  readonly message: string;
}

/** A ref as it was when it was read: facts, not instructions. */
export interface RefSnapshot {
  readonly source: SourceRepository;
  readonly ref: string;
  /** Counts the reads of this ref; a smaller one was read earlier. */
  readonly generation: number;
  /** undefined: the ref is gone. */
  readonly commit?: string;
  readonly images: readonly SnapshotImage[];
  readonly refused: readonly Refusal[];
  /** Paths the event named, for explanation only. */
  readonly changedPaths: readonly string[];
}

/** One unit of an expansion: small enough that several fit one transaction. */
export type PlanItem =
  /** An image of the snapshot, new or changed, or standing on one that is. */
  | { readonly kind: "take"; readonly track: string; readonly image: string; readonly via: readonly Via[] }
  /** A track of another ref or source that stands on an image of the plan. */
  | { readonly kind: "dependent"; readonly track: string; readonly image: string; readonly via: readonly Via[] }
  /** The image left slipway.yaml, or its ref is gone. */
  | { readonly kind: "retire"; readonly track: string; readonly image: string }
  /** The track that was asked for, or found stale; its dependents follow as `dependent`. */
  | { readonly kind: "self"; readonly track: string; readonly image: string }
  /** A run that this track may have waited for has ended. */
  | { readonly kind: "base-ended"; readonly track: string; readonly image: string; readonly reference: string };

/** The stable tag that is being rebuilt, and the track that makes it. */
export interface Via {
  readonly reference: string;
  readonly track: string;
}

export interface Skipped {
  readonly reason: SkipReason;
  readonly count: number;
  /** The first few. */
  readonly images: readonly string[];
  readonly message?: string;
}

export interface Progress {
  readonly planned: readonly { readonly image: string; readonly run: string }[];
  readonly plannedCount: number;
  readonly skipped: readonly Skipped[];
  readonly done?: string;
}

/** The plan of an inbox row that did not fit one transaction; written once. Nothing is released while one exists. */
export interface Expansion {
  readonly plan: readonly PlanItem[];
}

/** How far a half-expanded inbox row has come. */
export interface ExpansionCursor {
  readonly next: number;
  readonly progress: Progress;
}

export type Inbox =
  | { readonly kind: "ref-moved"; readonly id: string; readonly cause: Cause; readonly snapshot: RefSnapshot }
  | {
      readonly kind: "run-ended";
      readonly id: string;
      readonly run: string;
      readonly track: string;
      /** What the track made when the run ended: it may have been retired since. */
      readonly makes: readonly string[];
    }
  /** A track stands on an older base than there is, and no plan covers it: it and what stands on it are planned now. */
  | {
      readonly kind: "track-stale";
      readonly id: string;
      readonly track: string;
      readonly reasons: readonly Reason[];
      readonly cause: Cause;
      readonly waves: readonly string[];
      readonly lineage: readonly string[];
    }
  | {
      readonly kind: "context-prepared";
      readonly id: string;
      readonly run: string;
      readonly attempt: number;
      readonly sourceLocation: string;
    }
  | {
      readonly kind: "context-failed";
      readonly id: string;
      readonly run: string;
      readonly attempt: number;
      readonly code: string;
      readonly message: string;
    }
  | {
      readonly kind: "log-collected";
      readonly id: string;
      readonly run: string;
      readonly attempt: number;
      readonly blob: string;
      readonly bytes: number;
      readonly failure?: string;
    }
  | { readonly kind: "cancel-requested"; readonly id: string; readonly cause: Cause; readonly run: string }
  | { readonly kind: "retry-requested"; readonly id: string; readonly cause: Cause; readonly run: string }
  | {
      readonly kind: "rebuild-requested";
      readonly id: string;
      readonly cause: Cause;
      readonly image: string;
      readonly ref?: string;
      readonly sourceId?: number;
    };

/** One per event: what was decided, and why nothing was built where nothing was. */
export interface Decision {
  readonly id: string;
  readonly at: string;
  readonly registry?: string;
  readonly cause: Cause;
  readonly source?: SourceRepository;
  readonly ref?: string;
  readonly commit?: string;
  readonly planned: readonly { readonly image: string; readonly run: string }[];
  readonly plannedCount: number;
  readonly skipped: readonly Skipped[];
  readonly problems?: readonly ConfigProblem[];
  /** What was done besides planning, such as a cancellation. */
  readonly done?: string;
}

/** Who may write this partition. Every transaction of a pass rewrites it on condition that nobody else has. */
export interface Lease {
  /** The pass that holds it; "" when free. */
  readonly holder: string;
  readonly ttlSeconds: number;
  /** `ctl|wake` as of the last completed pass. */
  readonly seenWake: string;
  /** The one next nudge a pass leaves behind. */
  readonly nudge?: { readonly id: string; readonly at: string };
}

/** The last sequence number given out: the only clock the order of runs knows. */
export interface Sequence {
  readonly last: number;
}

/** ACR asked us to wait. */
export interface Throttle {
  readonly until: string;
}
