import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { SentEvents } from "../event-grid/event-grid.ts";
import { StateFile } from "../state-file.ts";
import { isTerminal, type RunRecord, type RunStatus } from "./run-record.ts";
import type { RegistrySettings, TaskRecord, TaskRunRecord } from "./task-record.ts";
import type { SentWebhook } from "./webhooks/webhooks.ts";

/** Something that happened to the registry. Ledger lines, and later webhooks, are derived from these and nothing else. */
export type Change =
  | {
      readonly kind: "run-scheduled";
      readonly runId: string;
      readonly network?: string;
      readonly task?: string;
      readonly taskRun?: string;
    }
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
  | { readonly kind: "image-pushed"; readonly runId: string; readonly reference: string; readonly digest: string }
  | { readonly kind: "image-imported"; readonly reference: string; readonly digest: string }
  | { readonly kind: "registry-created" | "registry-changed" | "registry-deleted"; readonly creationDate: string }
  | { readonly kind: "resource-saved" | "resource-deleted"; readonly type: ResourceType; readonly name: string }
  | { readonly kind: "webhook-saved" | "webhook-deleted"; readonly name: string }
  | ({ readonly kind: "webhook-sent" } & SentWebhook)
  | { readonly kind: "event-subscription-saved" | "event-subscription-deleted"; readonly name: string }
  | ({ readonly kind: "event-sent" } & SentEvents);

type StepKind = "build" | "cmd" | "push";

/** A change with its place in the history of this registry; `sequence` counts from 1 without gaps. */
export type NumberedChange = Change & { readonly sequence: number; readonly time: string };

/** Resources under the registry that have a name and are only kept: another sort of them is one more line here. */
export interface Resources {
  readonly tasks: TaskRecord;
  readonly taskRuns: TaskRunRecord;
}
type ResourceType = keyof Resources;

interface Stored {
  creationDate: string;
  settings: RegistrySettings;
  lastRun: number;
  runs: RunRecord[];
  /** By type, in the order they were made. */
  resources: { [Type in ResourceType]?: Resources[Type][] };
  /** Saved in the same rename as its effect, so a ledger can be completed after SIGKILL between the two writes. */
  lastChange?: NumberedChange;
}

/**
 * The registry's memory and its only writer. Every change is on disk before listeners, and before any HTTP answer, hear of it.
 */
export class AcrState {
  readonly #file: StateFile<Stored>;
  readonly #clock: Clock;
  readonly #listeners: ((change: NumberedChange) => void)[] = [];
  #sequence: number;

  constructor(dir: string, clock: Clock, settings: Partial<RegistrySettings> = {}) {
    this.#clock = clock;
    const initial = (): Stored => ({
      creationDate: clock.iso(),
      settings: { ...defaultSettings(), ...settings },
      lastRun: 0,
      runs: [],
      resources: {},
    });
    this.#file = new StateFile(join(dir, "acr.json"), initial);
    // A state of an earlier twin has no settings and resources yet.
    this.#file.value = { ...initial(), ...this.#file.value };
    this.#file.save();
    this.#sequence = this.#file.value.lastChange?.sequence ?? 0;
  }

  get creationDate(): string {
    return this.#file.value.creationDate;
  }

  get settings(): RegistrySettings {
    return this.#file.value.settings;
  }

  changeSettings(settings: RegistrySettings): void {
    this.#file.value.settings = settings;
    this.#commit({ kind: "registry-changed", creationDate: this.creationDate });
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

  /** In the order they were made. */
  list<Type extends ResourceType>(type: Type): readonly Resources[Type][] {
    return this.#file.value.resources[type] ?? [];
  }

  find<Type extends ResourceType>(type: Type, name: string): Resources[Type] | undefined {
    return this.list(type).find((resource) => resource.name.toLowerCase() === name.toLowerCase());
  }

  /** Adds it, or puts it in place of the one with its name. */
  save<Type extends ResourceType>(type: Type, resource: Resources[Type]): void {
    this.#keep(type, resource);
    this.#commit({ kind: "resource-saved", type, name: resource.name });
  }

  /** False: there was none. */
  remove(type: ResourceType, name: string): boolean {
    const resource = this.find(type, name);
    if (!resource) return false;
    this.#drop(type, resource.name);
    this.#commit({ kind: "resource-deleted", type, name: resource.name });
    return true;
  }

  onChange(listener: (change: NumberedChange) => void): void {
    this.#listeners.push(listener);
  }

  addRun(fields: NewRun): RunRecord {
    const run = this.#newRun(fields);
    this.#commit(scheduled(run));
    return run;
  }

  /** A run and the resource that stands for it, in one save: a caller that asks again after a crash finds both or none. */
  addTaskRun(taskRun: Omit<TaskRunRecord, "runId">, fields: NewRun): TaskRunRecord {
    const run = this.#newRun(fields);
    const record = { ...taskRun, runId: run.runId };
    this.#keep("taskRuns", record);
    this.#commit({ ...scheduled(run), taskRun: record.name });
    return record;
  }

  /** Run ids are `cf` and a base-36 counter from 1, as fresh registries have shown them. */
  #newRun(fields: NewRun): RunRecord {
    const stored = this.#file.value;
    const now = this.#clock.iso();
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
    return run;
  }

  /** Moves a run on. A final status is final: later moves are dropped, and a finished run forgets its work. */
  moveRun(runId: string, to: RunStatus, fields: Partial<RunRecord> = {}): RunRecord {
    const run = this.#require(runId);
    if (isTerminal(run.status) || run.status === to) return run;
    const now = this.#clock.iso();
    const moved: RunRecord = {
      ...run,
      ...fields,
      status: to,
      lastUpdatedTime: now,
      startTime: run.startTime ?? (to === "Queued" || to === "Canceled" ? undefined : now),
      ...(isTerminal(to) && { finishTime: now, work: undefined, executions: undefined }),
    };
    this.#replace(moved);
    this.#teachTask(moved);
    this.#commit({ kind: "run-status-changed", runId, from: run.status, to });
    return moved;
  }

  requestCancel(runId: string): void {
    this.#replace({ ...this.#require(runId), cancelRequested: true });
    this.#commit({ kind: "run-cancel-requested", runId });
  }

  /** Not a change to tell of. */
  countExecutions(runId: string, executions: number): void {
    this.#replace({ ...this.#require(runId), executions });
    this.#file.save();
  }

  archiveRun(runId: string, isArchiveEnabled: boolean): RunRecord {
    const archived = { ...this.#require(runId), isArchiveEnabled };
    this.#replace(archived);
    this.#commit({ kind: "run-archived", runId, isArchiveEnabled });
    return archived;
  }

  /** Tells of an effect outside the state: an upload URL handed out, a step run. Costs no save. */
  announce(change: Change): void {
    this.#tell(this.#numbered(change));
  }

  /** A ledger may be ahead of the saved state by what was announced since; numbering goes on from there. */
  continueAfter(sequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence);
  }

  /** A task shows what its last successful run stood on: no other has `baseImages`. A task deleted meanwhile stays away. */
  #teachTask({ task: name, baseImages }: RunRecord): void {
    const task = name === undefined ? undefined : this.find("tasks", name);
    if (task && baseImages) this.#keep("tasks", { ...task, baseImageDependencies: baseImages });
  }

  #keep<Type extends ResourceType>(type: Type, resource: Resources[Type]): void {
    const name = resource.name.toLowerCase();
    const known = this.list(type);
    const kept: Resources[Type][] = known.map((other) => (other.name.toLowerCase() === name ? resource : other));
    this.#put(type, kept.includes(resource) ? kept : [...kept, resource]);
  }

  #drop<Type extends ResourceType>(type: Type, name: string): void {
    this.#put(type, [...this.list(type).filter((other) => other.name !== name)]);
  }

  #put<Type extends ResourceType>(type: Type, list: Resources[Type][]): void {
    const resources: { [Key in Type]?: Resources[Key][] } = this.#file.value.resources;
    resources[type] = list;
  }

  #commit(change: Change): void {
    const numbered = this.#numbered(change);
    this.#file.value.lastChange = numbered;
    this.#file.save();
    this.#tell(numbered);
  }

  #numbered(change: Change): NumberedChange {
    return { ...change, sequence: this.#sequence + 1, time: this.#clock.iso() };
  }

  #tell(change: NumberedChange): void {
    this.#sequence = change.sequence;
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

type NewRun = Omit<RunRecord, "runId" | "sequence" | "status" | "createTime" | "lastUpdatedTime" | "logBlob">;

function scheduled({ runId, network, task }: RunRecord): Change & { kind: "run-scheduled" } {
  return { kind: "run-scheduled", runId, ...(network && { network }), ...(task && { task }) };
}

function defaultSettings(): RegistrySettings {
  const password = () => randomBytes(24).toString("base64url");
  return {
    location: "westeurope",
    sku: "Standard",
    tags: {},
    properties: {},
    passwords: { password: password(), password2: password() },
  };
}
