import { isDisabled, resolveSettings } from "./app-settings.ts";
import type { BindingInfo, FunctionMetadata } from "./core-types.ts";

export type AuthLevel = "anonymous" | "function" | "admin";

export interface HttpTrigger {
  readonly kind: "http";
  readonly bindingName: string;
  /** Upper case. */
  readonly methods: readonly string[];
  readonly authLevel: AuthLevel;
  /** Without the route prefix. */
  readonly route: string;
}

export interface QueueTrigger {
  readonly kind: "queue";
  readonly bindingName: string;
  readonly queueName: string;
  readonly connection: string | undefined;
  readonly binary: boolean;
}

export interface TimerTrigger {
  readonly kind: "timer";
  readonly bindingName: string;
  readonly schedule: string;
  readonly runOnStartup: boolean;
  readonly useMonitor: boolean;
}

export type Trigger = HttpTrigger | QueueTrigger | TimerTrigger;

export interface QueueOutput {
  readonly bindingName: string;
  readonly queueName: string;
  readonly connection: string | undefined;
}

/** One function as the host sees it, made from the bindings the app registered. */
export interface FunctionDefinition<T extends Trigger = Trigger> {
  readonly name: string;
  readonly metadata: FunctionMetadata;
  readonly trigger: T;
  readonly queueOutputs: readonly QueueOutput[];
  /** Setting `AzureWebJobs.<name>.Disabled`: not listened for, HTTP answers 404 to all but the master key. */
  readonly disabled: boolean;
}

const FUNCTION_NAME = /^[a-z][a-z0-9_-]{0,127}$/i;
const BINDING_NAME = /^[a-zA-Z][a-zA-Z0-9]{0,127}$/;
const RETURN = "$return";

/**
 * Reads what was registered, sorted by name as the real host sorts (that order decides between routes). A binding this
 * host cannot serve is an error of the start: half an app would be worse than none.
 */
export function functionDefinitions(
  registered: readonly FunctionMetadata[],
  env: NodeJS.ProcessEnv,
): FunctionDefinition[] {
  const definitions = registered.map((metadata) => functionDefinition(metadata, env));
  return definitions.sort((a, b) => compareNames(a.name, b.name));
}

function functionDefinition(metadata: FunctionMetadata, env: NodeJS.ProcessEnv): FunctionDefinition {
  const { name, bindings } = metadata;
  try {
    if (!FUNCTION_NAME.test(name) || name.toLowerCase() === "host") throw new Error("not a valid function name");
    const triggers = Object.entries(bindings).filter(([, binding]) => /trigger$/i.test(binding.type ?? ""));
    const [only, ...others] = triggers;
    if (!only || others.length > 0) throw new Error(`needs exactly one trigger, has ${triggers.length}`);
    const rest = Object.entries(bindings).filter(([key]) => key !== only[0]);
    return {
      name,
      metadata,
      trigger: triggerFrom(name, only[0], only[1], env),
      queueOutputs: rest.flatMap(([key, binding]) => queueOutputFrom(key, binding, env)),
      disabled: isDisabled(name, env),
    };
  } catch (cause) {
    throw new Error(`function ${name}: ${(cause as Error).message}`, { cause });
  }
}

function triggerFrom(functionName: string, bindingName: string, binding: BindingInfo, env: NodeJS.ProcessEnv): Trigger {
  const type = binding.type?.toLowerCase();
  if (type === "httptrigger") return httpTriggerFrom(functionName, bindingName, binding);
  if (type === "queuetrigger") {
    return {
      kind: "queue",
      bindingName,
      queueName: queueName(binding, env),
      connection: optionalText(binding, "connection"),
      binary: optionalText(binding, "dataType")?.toLowerCase() === "binary",
    };
  }
  if (type === "timertrigger") {
    return {
      kind: "timer",
      bindingName,
      schedule: resolveSettings(text(binding, "schedule"), env),
      runOnStartup: binding.runOnStartup === true,
      useMonitor: binding.useMonitor !== false,
    };
  }
  throw new Error(`the local host has no trigger of type ${binding.type} (it has HTTP, storage queue and timer)`);
}

function httpTriggerFrom(functionName: string, bindingName: string, binding: BindingInfo): HttpTrigger {
  const authLevel = optionalText(binding, "authLevel")?.toLowerCase() ?? "function";
  if (authLevel !== "anonymous" && authLevel !== "function" && authLevel !== "admin") {
    throw new Error(`unknown authLevel ${authLevel}`);
  }
  const methods = Array.isArray(binding.methods) ? binding.methods.map((method) => String(method).toUpperCase()) : [];
  return { kind: "http", bindingName, methods, authLevel, route: optionalText(binding, "route") ?? functionName };
}

function queueOutputFrom(key: string, binding: BindingInfo, env: NodeJS.ProcessEnv): QueueOutput[] {
  if (key !== RETURN && !BINDING_NAME.test(key)) throw new Error(`binding name ${JSON.stringify(key)} is not valid`);
  if (binding.direction !== "out") throw new Error(`the local host has no input bindings (${binding.type})`);
  if (binding.type === "http") return [];
  if (binding.type !== "queue")
    throw new Error(`the local host has no output binding of type ${binding.type} (only queue and http)`);
  return [{ bindingName: key, queueName: queueName(binding, env), connection: optionalText(binding, "connection") }];
}

/** Letters, digits and single hyphens, 3 to 63; the real host lower-cases the name before it checks. */
function queueName(binding: BindingInfo, env: NodeJS.ProcessEnv): string {
  const name = resolveSettings(text(binding, "queueName"), env).toLowerCase();
  if (/[{}]/.test(name)) throw new Error(`queueName ${name}: binding expressions are not supported by the local host`);
  if (!/^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/.test(name))
    throw new Error(`queueName ${name} is not a valid queue name`);
  return name;
}

function text(binding: BindingInfo, option: string): string {
  const value = optionalText(binding, option);
  if (value === undefined) throw new Error(`${binding.type} needs ${option}`);
  return value;
}

function optionalText(binding: BindingInfo, option: string): string | undefined {
  const value = binding[option];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function compareNames(a: string, b: string): number {
  const [left, right] = [a.toUpperCase(), b.toUpperCase()];
  return left < right ? -1 : left > right ? 1 : 0;
}
