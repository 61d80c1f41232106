import { join } from "node:path";
import { StateFile } from "../state-file.ts";
import { isTerminal, type RunRecord, type RunStatus } from "./run-record.ts";

/** Something that happened to the registry. Ledger lines, and later webhooks, are derived from these and nothing else. */
export type Change =
  | { readonly kind: "run-scheduled"; readonly runId: string; readonly network?: string }
  | { readonly kind: "run-status-changed"; readonly runId: string; readonly from: RunStatus; readonly to: RunStatus }
  | { readonly kind: "run-cancel-requested"; readonly runId: string }
  | { readonly kind: "run-archived"; readonly runId: string; readonly isArchiveEnabled: boolean }
  | { readonly kind: "source-upload-offered"; readonly relativePath: string }
  | { readonly kind: "log-link-offered"; readonly runId: string }
  | { readonly kind: "step-started"; readonly runId: string; readonly step: string; readonly does: StepKind }
  | {
      readonly kind: "step-ended";
      readonly runId: string;
      readonly step: string;
      readonly does: StepKind;
      readonly outcome: "successful" | "failed";
    }
  | { readonly kind: "image-pushed"; readonly runId: string; readonly reference: string; readonly digest: string };

export type StepKind = "build" | "cmd" | "push";

/** A change with its place in the history of this registry; `sequence` counts from 1 without gaps. */
export type NumberedChange = Change & { readonly sequence: number; readonly time: string };

interface Stored {
  creationDate: string;
  lastRun: number;
  runs: RunRecord[];
  /** Saved in the same rename as its effect, so a ledger can be completed after SIGKILL between the two writes. */
  lastChange?: NumberedChange;
}

/**
 * The registry's memory and its only writer. Every change is on disk before listeners, and before any HTTP answer, hear of it.
 */
export class AcrState {
  readonly #file: StateFile<Stored>;
  readonly #listeners: ((change: NumberedChange) => void)[] = [];
  #sequence: number;

  constructor(dir: string) {
    this.#file = new StateFile(join(dir, "acr.json"), () => ({
      creationDate: new Date().toISOString(),
      lastRun: 0,
      runs: [],
    }));
    this.#file.save();
    this.#sequence = this.#file.value.lastChange?.sequence ?? 0;
  }

  get creationDate(): string {
    return this.#file.value.creationDate;
  }

  get lastChange(): NumberedChange | undefined {
    return this.#file.value.lastChange;
  }

  /** Oldest first. */
  get runs(): readonly RunRecord[] {
    return this.#file.value.runs;
  }

  run(runId: string): RunRecord | undefined {
    return this.runs.find((run) => run.runId === runId.toLowerCase());
  }

  onChange(listener: (change: NumberedChange) => void): void {
    this.#listeners.push(listener);
  }

  /** Run ids are `cf` and a base-36 counter from 1, as fresh registries have shown them. */
  addRun(
    fields: Omit<RunRecord, "runId" | "sequence" | "status" | "createTime" | "lastUpdatedTime" | "logBlob">,
  ): RunRecord {
    const stored = this.#file.value;
    const now = new Date().toISOString();
    stored.lastRun += 1;
    const runId = `cf${stored.lastRun.toString(36)}`;
    const run: RunRecord = {
      ...fields,
      runId,
      sequence: stored.lastRun,
      status: "Queued",
      createTime: now,
      lastUpdatedTime: now,
      logBlob: `${runId}/rawtext.log`,
    };
    stored.runs.push(run);
    this.#commit({ kind: "run-scheduled", runId, ...(run.network && { network: run.network }) });
    return run;
  }

  /** Moves a run on. A final status is final: later moves are dropped, and a finished run forgets its work. */
  moveRun(runId: string, to: RunStatus, fields: Partial<RunRecord> = {}): RunRecord {
    const run = this.#require(runId);
    if (isTerminal(run.status) || run.status === to) return run;
    const now = new Date().toISOString();
    const moved: RunRecord = {
      ...run,
      ...fields,
      status: to,
      lastUpdatedTime: now,
      startTime: run.startTime ?? (to === "Queued" || to === "Canceled" ? undefined : now),
      ...(isTerminal(to) && { finishTime: now, work: undefined }),
    };
    this.#replace(moved);
    this.#commit({ kind: "run-status-changed", runId, from: run.status, to });
    return moved;
  }

  requestCancel(runId: string): void {
    this.#replace({ ...this.#require(runId), cancelRequested: true });
    this.#commit({ kind: "run-cancel-requested", runId });
  }

  archiveRun(runId: string, isArchiveEnabled: boolean): RunRecord {
    const archived = { ...this.#require(runId), isArchiveEnabled };
    this.#replace(archived);
    this.#commit({ kind: "run-archived", runId, isArchiveEnabled });
    return archived;
  }

  /** Tells of an effect outside the state: an upload URL handed out, a step run. Costs no save. */
  announce(change: Change): void {
    this.#tell(this.#number(change));
  }

  /** A ledger may be ahead of the saved state by what was announced since; numbering goes on from there. */
  continueAfter(sequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence);
  }

  #commit(change: Change): void {
    const numbered = this.#number(change);
    this.#file.value.lastChange = numbered;
    this.#file.save();
    this.#tell(numbered);
  }

  #number(change: Change): NumberedChange {
    this.#sequence += 1;
    return { ...change, sequence: this.#sequence, time: new Date().toISOString() };
  }

  #tell(change: NumberedChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #require(runId: string): RunRecord {
    const run = this.run(runId);
    if (!run) throw new Error(`no run ${runId} in this registry`);
    return run;
  }

  #replace(run: RunRecord): void {
    const runs = this.#file.value.runs;
    runs[run.sequence - 1] = run;
  }
}
