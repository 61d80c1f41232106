import type { HookCallback, HookData } from "./core-types.ts";

/** Runs hooks in order of registration, each awaited; the first that throws ends the row. */
export async function runHooks(hooks: readonly HookCallback[], context: HookData): Promise<void> {
  for (const hook of hooks) await hook(context);
}

/** Log hooks cannot be awaited, the caller of `context.log` does not wait. */
export function runHooksNow(hooks: readonly HookCallback[], context: HookData): void {
  for (const hook of hooks) hook(context);
}
