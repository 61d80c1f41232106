import type { FunctionDefinition, Trigger } from "./metadata.ts";

/** The setting by which Flex Consumption tells a host what to listen for; absent: everything. */
const SETTING = "FUNCTIONS_TARGET_GROUP";

/** All HTTP functions scale together, every other function by itself: `http`, `function:<name>`. */
export function functionGroup(name: string, kind: Trigger["kind"]): string {
  return kind === "http" ? "http" : `function:${name}`;
}

export function targetGroup(env: NodeJS.ProcessEnv): string | undefined {
  return env[SETTING] || undefined;
}

/** Whether this host listens for the function (azure-functions-host 4.1037, FunctionGroupListenerDecorator). */
export function inTargetGroup(definition: FunctionDefinition, env: NodeJS.ProcessEnv): boolean {
  const target = targetGroup(env);
  return (
    target === undefined ||
    functionGroup(definition.name, definition.trigger.kind).toLowerCase() === target.toLowerCase()
  );
}

/** The settings of a host that serves one group. */
export function settingsOfGroup(group: string): Record<string, string> {
  return { [SETTING]: group };
}
