import { parse, YAMLError } from "yaml";
import { readVolumeMounts, readVolumes } from "./parse-volumes.ts";
import { addLatest } from "./reference.ts";
import type { Network, SecretVolume, Step, Task } from "./task.ts";
import { TaskError } from "./task-error.ts";
import { YamlFields } from "./yaml-fields.ts";

const versions = ["1.0-preview-1", "v1.0.0", "v1.1.0"];
const defaultNetwork = "acb_default_network";
const defaultStepTimeout = 600;
const defaultRetryDelay = 5;

interface TaskDefaults {
  /** For tasks that name none: the folder of a source context such as `…git#main:folder`. */
  readonly workingDirectory: string;
}

/** Reads a rendered task file, with the engine's defaults and the engine's words for what is wrong with it. */
export function parseTask(text: string, { workingDirectory }: TaskDefaults = { workingDirectory: "" }): Task {
  const file = new YamlFields(parseYaml(text), "the task file");
  refuseSecrets(file);
  const volumes = readVolumes(file);
  const version = file.text("version") || "v1.0.0";
  if (!versions.includes(version.toLowerCase())) {
    throw new TaskError(`invalid version specified: "${version}", the current version is "v1.0.0"`);
  }
  const { networks, stepNetwork } = readNetworks(file);
  const defaults: StepDefaults = {
    timeout: file.number("stepTimeout") > 0 ? file.number("stepTimeout") : defaultStepTimeout,
    env: file.texts("env").flatMap((entry) => entry.split(",")),
    workingDirectory: file.text("workingDirectory") || workingDirectory,
    network: stepNetwork,
    volumes,
  };
  const steps: Step[] = [];
  for (const [index, value] of file.list("steps").entries()) {
    steps.push(readStep(new YamlFields(value, `step ${index}`), index, defaults, steps));
  }
  return { networks, volumes, steps };
}

function parseYaml(text: string): unknown {
  try {
    return parse(text, { schema: "failsafe", merge: true, logLevel: "error" });
  } catch (error) {
    // A RangeError is nested too deep for us; a ReferenceError, aliases that would grow without end.
    const unreadable = error instanceof YAMLError || error instanceof RangeError || error instanceof ReferenceError;
    if (!unreadable) throw error;
    throw new TaskError(`failed to deserialize task and validate: yaml: ${error.message.split("\n")[0]}`);
  }
}

/** Checked like the engine does, then refused: there is no Key Vault here, and no identity to open one with. */
function refuseSecrets(file: YamlFields): void {
  const ids = new Set<string>();
  for (const value of file.list("secrets")) {
    const secret = new YamlFields(value, "a secret");
    const id = secret.text("id");
    if (!id) throw new TaskError("secret is missing an ID as well as auto-generated ID");
    if (/\s/.test(id)) throw new TaskError(`failed to validate secret with ID: ${id}: secret ID cannot contain spaces`);
    if (ids.has(id)) throw new TaskError(`duplicate secret found with ID: ${id}`);
    ids.add(id);
  }
  if (ids.size === 0) return;
  const reason = "the local twin has no Key Vault; give the value with the request, marked as secret";
  throw new TaskError(`failed to resolve secrets in the task with error: ${[...ids].join(", ")}: ${reason}`);
}

/** The last network marked default is given to steps that name none; with no networks at all, one is made. */
function readNetworks(file: YamlFields): { networks: Network[]; stepNetwork: string } {
  const listed = file.list("networks").map((value) => {
    const network = new YamlFields(value, "a network");
    const name = network.text("name");
    if (!name) throw new TaskError("name must be specified");
    const driver = network.text("driver");
    return { name, driver, skipCreation: network.flag("skipCreation"), isDefault: network.flag("isDefault") };
  });
  if (listed.length === 0) {
    const network: Network = { name: defaultNetwork, driver: "bridge", skipCreation: false };
    return { networks: [network], stepNetwork: defaultNetwork };
  }
  return { networks: listed, stepNetwork: listed.findLast((network) => network.isDefault)?.name ?? "" };
}

interface StepDefaults {
  readonly timeout: number;
  readonly env: readonly string[];
  readonly workingDirectory: string;
  readonly network: string;
  readonly volumes: readonly SecretVolume[];
}

function readStep(fields: YamlFields, index: number, defaults: StepDefaults, earlier: readonly Step[]): Step {
  const id = fields.text("id") || `acb_step_${index}`;
  const [cmd, build, push] = [fields.text("cmd"), fields.text("build"), fields.texts("push")];
  const kinds = [cmd !== "", build !== "", push.length > 0].filter(Boolean).length;
  checkId(id, earlier);
  if (kinds > 1) throw new TaskError("step must only contain a single build, cmd, or push property");
  if (kinds === 0) throw new TaskError("step is missing a cmd, build, or push property");
  const mounts = readVolumeMounts(fields, defaults.volumes, push.length > 0);

  const base = {
    id,
    after: readWhen(fields, id, earlier),
    env: mergeEnv(fields.texts("env"), defaults.env),
    timeout: fields.number("timeout") > 0 ? fields.number("timeout") : defaults.timeout,
    startDelay: fields.number("startDelay"),
    ignoreErrors: fields.flag("ignoreErrors"),
    workingDirectory: fields.text("workingDirectory") || defaults.workingDirectory,
    network: fields.text("network") || defaults.network,
  };
  const container = {
    retries: atLeastZero(fields.number("retries"), "retries"),
    retryDelay: fields.number("retryDelay") > 0 ? fields.number("retryDelay") : defaultRetryDelay,
    retryOnErrors: fields.texts("retryOnErrors"),
    repeat: atLeastZero(fields.number("repeat"), "repeat"),
    detach: fields.flag("detach"),
    keep: fields.flag("keep"),
    mounts,
  };
  if (push.length > 0) return { ...base, kind: "push", push: [...new Set(push.map(addLatest))] };
  if (build) {
    const usesCache = readCache(fields);
    const usesBuildKit = usesCache || hasBuildKit(base.env);
    return { ...base, ...container, kind: "build", build, usesCache, usesBuildKit };
  }
  return {
    ...base,
    ...container,
    kind: "cmd",
    cmd,
    entryPoint: fields.text("entryPoint"),
    user: fields.text("user"),
    keepsImageWorkingDirectory: fields.flag("disableWorkingDirectoryOverride"),
    pull: fields.flag("pull"),
  };
}

function checkId(id: string, earlier: readonly Step[]): void {
  if (/\s/.test(id)) throw new TaskError("step ID cannot contain spaces");
  if (id === "acb_root") throw new TaskError("acb_root is a reserved ID, it can't be used");
  if (earlier.some((step) => step.id === id)) throw new TaskError(`${id} already exists as a vertex`);
}

/** No `when` waits for the step before; `-` for nothing; ids must belong to earlier steps, so there are no cycles. */
function readWhen(fields: YamlFields, id: string, earlier: readonly Step[]): string[] {
  const when = fields.texts("when");
  const previous = earlier.at(-1)?.id;
  if (when.length === 0) return previous === undefined ? [] : [previous];
  if (when.includes("-")) {
    if (when.length === 1) return [];
    throw new TaskError("step cannot contain other IDs in when if the immediate execution token is specified");
  }
  for (const other of when) {
    if (other === id) throw new TaskError(`Step ID: ${id} is self-referenced`);
    if (!earlier.some((step) => step.id === other)) {
      throw new TaskError(`${other} does not exist as a vertex [from: ${other}, to: ${id}]`);
    }
    // The engine counts it twice and lets it go once.
    if (when.indexOf(other) !== when.lastIndexOf(other)) {
      throw new TaskError(`Step ID: ${id} names ${other} twice in when: ACR would wait for it until the run times out`);
    }
  }
  return when;
}

/** A step's own value wins over the task's. */
function mergeEnv(own: string[], shared: readonly string[]): string[] {
  for (const entry of [...own, ...shared]) {
    if (!entry.includes("=")) throw new TaskError(`cannot parse step environment variable ${entry} correctly`);
  }
  const names = new Set(own.map((entry) => entry.split("=", 1)[0]));
  return [...own, ...shared.filter((entry) => !names.has(entry.split("=", 1)[0]))];
}

function readCache(fields: YamlFields): boolean {
  const cache = fields.text("cache").toLowerCase();
  if (!["", "enabled", "disabled"].includes(cache)) {
    throw new TaskError("invalid value for cache property. Valid values are 'enabled', 'disabled'");
  }
  return cache === "enabled";
}

function hasBuildKit(env: readonly string[]): boolean {
  return env.includes("DOCKER_BUILDKIT=1");
}

function atLeastZero(value: number, name: string): number {
  if (value < 0) throw new TaskError(`step must specify ${name} >= 0`);
  return value;
}
