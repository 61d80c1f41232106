/** The values of the rows in a registry's partition. Only a reconcile pass writes runs, tracks and edges. */
import type { ConfigProblem, ImageDefinition } from "../config/definition.ts";
import type { Offered } from "../image/digest-lookup.ts";
import type { PastDigest } from "../image/tag-history.ts";
import type { Cause, Hold, Reason, SkipReason } from "../plan/reason.ts";
import type { AcrStatus } from "../run/acr-run.ts";
import type { EndCode } from "../run/end-code.ts";
import type { SourceRepository } from "../source.ts";
import type { Facts } from "./world.ts";

export type RunStatus = "Planned" | "Preparing" | "Scheduling" | AcrStatus | "Skipped" | "Superseded";

/** What an image stands on. */
export interface Base {
  /** Canonical reference. */
  readonly reference: string;
  readonly class: "runtime" | "buildtime" | "frontend";
  /** Named by digest: it never moves. */
  readonly pinned: boolean;
  /** Of a pinned base that was written with a tag too: the canonical tag, to say what has come after the digest. */
  readonly tag?: string;
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
  /** False when a base was not known, moved while the image was being built, or is another one to ACR: nobody can say which is inside. */
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
  /** What the preflight found in the Dockerfile that may go wrong at ACR; for people. */
  readonly notes?: readonly string[];
  /** Stable tags as canonical references. */
  readonly makes: readonly string[];
  readonly wanted: Wanted;
  readonly built?: Built;
  readonly planned?: OpenRun;
  readonly active?: OpenRun;
  /** Consecutive failures of the present inputs, by their own fault. */
  readonly failures: number;
  /** The list in ACR's logs names another base than its registry does, build after build. */
  readonly listIsOther?: true | undefined;
  /** Its last run ended by no fault of its inputs, and how often in a row it did: it is planned again later. */
  readonly fault?: { readonly run: string; readonly times: number } | undefined;
  /** What was behind its bases when it was last tried in vain; null: nothing. Gone when it is built. */
  readonly tried?: Readonly<Record<string, string | null>> | undefined;
  /** Large waves that its failure counts against: its next success makes that good. */
  readonly harmed?: readonly string[] | undefined;
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
  /** Those that count it, oldest first. */
  readonly waves: readonly string[];
  /** The one whose canary and failure budget hold it: the newest that planned it. `level`: how many images of it lie below. */
  readonly listensTo?: { readonly wave: string; readonly level: number };
  /** A stopped wave that does not hold it: what stopped that is tried again, and stands on it. */
  readonly mends?: string;
  readonly occurrence?: string;
  readonly priority: Priority;
  /** Place among those of its priority; a run that supersedes another keeps its place. */
  readonly order: number;
  /** Key of the `ready` or `wait` row while planned. */
  readonly place?: string;
  readonly hold?: Hold;
  /** What it has waited for, the last few, with when. */
  readonly holds?: readonly PastHold[];
  /** How long it has waited for bases that could have gone, and since when it does so now: what max-hold counts. */
  readonly baseHeld?: { readonly ms: number; readonly since?: string };
  readonly baseTries: number;
  /** Number of the last attempt; 0 before the first. */
  readonly attempt: number;
  readonly acrRunId?: string;
  readonly digest?: string;
  /** Full references pushed. */
  readonly tags?: readonly string[];
  readonly bases?: Readonly<Record<string, string | null>>;
  readonly cancelRequested?: boolean;
  /** By base, why its run did not bring what this one was planned for: only its other reasons are left. */
  readonly without?: Readonly<Record<string, string>>;
  /** Released out of a cycle: it waits for no base any more. */
  readonly outOfCycle?: boolean;
  /** Tracks whose runs led to this one outside any plan; a track is not set off by a run that it set off itself. */
  readonly lineage?: readonly string[];
  /** Why it ended as it did, for people. */
  readonly ended?: { readonly code: EndCode; readonly message: string };
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
  readonly priority: Priority;
  readonly seq: number;
  readonly run: string;
  readonly attempt: number;
}

/** 0: a person asked for it. 1: something of its own has changed, or it follows that in a small plan. 2: it follows its bases, and gives way. */
export type Priority = 0 | 1 | 2;

/** A row that only leads to a run: of `ready`, `digest`. */
export interface RunPointer {
  readonly run: string;
}

/** A row that only leads to a track, by its key: of `image`, `makes`. */
export interface TrackPointer {
  readonly track: string;
}

/** What a tag was last built by. */
export interface Made {
  readonly run: string;
  readonly digest: string;
}

/** An attempt that was given up and may still turn up at ACR, ISO 8601. */
export interface Watch {
  readonly run: string;
  readonly attempt: number;
  readonly until: string;
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
  readonly notes?: readonly string[];
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
  /** Images of this registry that slipway.yaml names and does not build from this ref. */
  readonly unwatched?: readonly string[];
  /** Paths the event named, for explanation only. */
  readonly changedPaths: readonly string[];
}

/** One unit of an expansion: small enough that several fit one transaction. */
export type PlanItem =
  /** An image of the snapshot, new or changed, or standing on one that is. */
  | {
      readonly kind: "take";
      readonly track: string;
      readonly image: string;
      readonly via: readonly Via[];
      readonly level?: number;
    }
  /** An image of the snapshot whose stable tag is another's: it stays as it was built. */
  | { readonly kind: "refuse"; readonly track: string; readonly image: string; readonly message: string }
  /** A track of another ref or source that stands on an image of the plan. */
  | {
      readonly kind: "dependent";
      readonly track: string;
      readonly image: string;
      readonly via: readonly Via[];
      readonly level?: number;
    }
  /** A track that stands on the tag that has moved. */
  | {
      readonly kind: "moved";
      readonly track: string;
      readonly image: string;
      readonly via: readonly Via[];
      readonly level?: number;
    }
  /** What a planned run of this track waits for may have changed. */
  | { readonly kind: "place"; readonly track: string; readonly image: string }
  /** The image left slipway.yaml, or its ref is gone. */
  | { readonly kind: "retire"; readonly track: string; readonly image: string }
  /** The track that was asked for, or found stale; its dependents follow as `dependent`. */
  | { readonly kind: "self"; readonly track: string; readonly image: string; readonly level?: number }
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

/** A part of the plan of an inbox row that does not fit one transaction; written once. Nothing is released while one exists. */
export interface Expansion {
  readonly plan: readonly PlanItem[];
}

/** How far a half-expanded inbox row has come. */
export interface ExpansionCursor {
  readonly next: number;
  /** Items of the whole plan, and of each part but the last. */
  readonly size: number;
  /** Items that may become runs. */
  readonly runs: number;
  readonly partSize: number;
  readonly progress: Progress;
}

/** The last reading of a ref that was begun; null: the ref was gone. */
export interface RefGeneration {
  readonly generation: number;
  readonly sha: string | null;
}

/** The last reading of a ref that was followed. */
export interface AcceptedRef {
  readonly generation: number;
  /** The word that brought it. */
  readonly by: string;
  readonly commit: string | null;
  readonly at: string;
  /** Every image has been taken from it, but for those refused: they stay at the commit they were last taken from. */
  readonly taken?: boolean;
  readonly refused?: readonly string[];
}

export type Inbox =
  | { readonly kind: "ref-moved"; readonly id: string; readonly cause: Cause; readonly snapshot: RefSnapshot }
  | {
      readonly kind: "run-ended";
      readonly id: string;
      readonly run: string;
      readonly track: string;
      /** What the track made when the run ended, and what the run pushed: the track may be retired, or make other tags. */
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
      /** Of what follows; what has reasons of its own goes by those. */
      readonly priority: Priority;
    }
  /** A tag that images here stand on has another digest behind it, however that was heard of. */
  | {
      readonly kind: "tag-moved";
      readonly id: string;
      readonly cause: Cause;
      /** Canonical. */
      readonly reference: string;
      readonly digest: string;
      /** What was behind it when it was last seen, if it was. */
      readonly from?: string;
      /** Where a run of ours pushed it, to whichever registry: its track, and those of the runs that led to it. */
      readonly lineage?: readonly string[];
    }
  /** A canary passed, or the wave was stopped or goes on: those that wait look again. */
  | {
      readonly kind: "wave-changed";
      readonly id: string;
      readonly wave: string;
      /** Absent: every level. */
      readonly level?: number;
    }
  | {
      readonly kind: "wave-requested";
      readonly id: string;
      readonly cause: Cause;
      readonly wave: string;
      readonly action: "continue" | "stop";
    }
  | {
      readonly kind: "pause-requested";
      readonly id: string;
      readonly cause: Cause;
      readonly action: "pause" | "resume";
      /** Absent: the whole registry. */
      readonly image?: string;
      /** For people; of a pause. */
      readonly why: string;
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
      readonly code: EndCode;
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
      /** What ACR says the build stood on. */
      readonly foundBases?: Readonly<Record<string, string>>;
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

/** Everything one root cause set off in this registry. Counted as it happens, so that asking for it costs one row. */
export interface Wave {
  readonly id: string;
  readonly at: string;
  readonly cause: Cause;
  /** Large enough to hold itself back. */
  readonly large: boolean;
  readonly planned: number;
  /** Runs that have ended, by how. */
  readonly ended: Readonly<Partial<Record<RunStatus, number>>>;
  /** The same by owner; the empty name stands for none. */
  readonly owners: Readonly<Record<string, OwnerCount>>;
  /** Of its runs' levels. */
  readonly lowest: number;
  readonly highest: number;
  /** `continued`: a person let it go on; neither canaries nor failures stop it any more. */
  readonly state: "open" | "stopped" | "continued";
  readonly stoppedBy?: "canary" | "failures" | "person";
  /** Why it is stopped, for people. */
  readonly why?: string;
  /** Failures that count no more: the image was built since, or has failed again and is counted for that. */
  readonly healed?: number;
  /** By level, where the wave is large enough to have them. */
  readonly canaries: Readonly<Record<string, Canary>>;
}

export interface OwnerCount {
  readonly planned: number;
  readonly good: number;
  readonly bad: number;
  /** Replaced, skipped or cancelled. */
  readonly neither: number;
}

/** Waves by time. */
export interface WaveIndex {
  readonly wave: string;
  readonly registry: string;
  readonly at: string;
}

export interface Canary {
  readonly track: string;
  readonly run: string;
  readonly image: string;
  readonly passed: boolean;
}

export interface WaveMember {
  readonly run: string;
  readonly track: string;
  readonly image: string;
  readonly level: number;
  readonly owner?: string;
}

/** A tag that images stand on, as it was last seen at its registry. In the platform partition: the tag is the same for every registry. */
export interface Followed {
  readonly reference: string;
  /** Absent until it has settled for the first time. */
  readonly digest?: string;
  /** When this digest was first seen, ISO 8601. */
  readonly since?: string;
  /** The last digests before this one, oldest first. */
  readonly past?: readonly PastDigest[];
  /** It was gone meanwhile, or a build met another: whatever is behind it next is news, the same digest too. */
  readonly unsure?: true;
  /** A run of ours that makes the tag and had not ended when this digest came: whose it is has to be seen yet. */
  readonly claimedBy?: string;
  /** When its registry was last asked. */
  readonly checkedAt: string;
  /** How often it was seen to move. */
  readonly moves: number;
  /** Consecutive checks without an answer, and what the last one said. */
  readonly failures: number;
  readonly problem?: string;
  /** Not before this is it asked for again. */
  readonly notBefore?: string;
  /** From the last check, for the next. */
  readonly offered?: Offered;
  /** Another digest, until it has stayed long enough. */
  readonly pending?: {
    readonly digest: string;
    readonly since: string;
    /** When it began to move. */
    readonly first: string;
    /** The event that looks again. */
    readonly by: string;
  };
}

/** Nothing automatic is released while this row is there; what a person asks for is. */
export interface Pause {
  readonly why: string;
  readonly at: string;
}

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

/** What a decision was made from: its word, and what was stored when it was planned. */
export interface DecisionFacts {
  readonly word: Inbox;
  /** Absent when it was too much to keep. */
  readonly stored?: Facts;
}

/** A word that no pass could work off, kept for people. */
export interface Stuck {
  /** Only its name where all of it would not fit beside the reason. */
  readonly word: Inbox | Pick<Inbox, "kind" | "id">;
  /** A stack. */
  readonly why: string;
  readonly at: string;
}

/** In the platform partition: a message that no function could take, kept for people. */
export interface GivenUp {
  readonly queue: string;
  readonly body: unknown;
  readonly at: string;
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
