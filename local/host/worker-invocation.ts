import type { AppRegistry } from "./core-module.ts";
import type {
  CoreInvocationContext,
  FunctionCallback,
  HookData,
  InvocationModel,
  InvocationRequest,
  InvocationResponse,
  LogLevel,
} from "./core-types.ts";
import { runHooks, runHooksNow } from "./hooks.ts";
import type { Log } from "./log.ts";

/** Performs one invocation in the sequence of the Node worker (facts/functions-host.md §1.4); rejects when any step failed. */
export async function performInvocation(
  registry: AppRegistry,
  request: InvocationRequest,
  log: Log,
): Promise<InvocationResponse> {
  const { invocationId, functionId } = request;
  const registered = registry.functions.find(({ metadata }) => metadata.name === functionId);
  if (!registered || !registry.model) throw new Error(`Worker was unable to load function ${functionId}`);
  let context: unknown;
  const core: CoreInvocationContext = {
    invocationId,
    request,
    metadata: registered.metadata,
    log(level, category, message) {
      // Log hooks may rewrite level and message.
      const entry: HookData = { level, category, message, invocationContext: context };
      runHooksNow(registry.hooks("log"), entry);
      const name = category === "user" ? `Function.${functionId}.User` : `Function.${functionId}`;
      log(entry.level as LogLevel, name, String(entry.message), { function: functionId, invocationId });
    },
  };
  const model = registry.model.getInvocationModel(core);
  const args = await model.getArguments();
  context = args.context;
  return runHandler(registry, model, core, args, registered.callback);
}
async function runHandler(
  registry: AppRegistry,
  model: InvocationModel,
  core: CoreInvocationContext,
  { context, inputs }: { context: unknown; inputs: unknown[] },
  callback: FunctionCallback,
): Promise<InvocationResponse> {
  const shared = { hookData: {}, appHookData: registry.appHookData, invocationContext: context };
  const before: HookData = { ...shared, inputs, functionCallback: callback };
  const after: HookData = { ...shared, inputs, result: null, error: null };
  core.state = "preInvocationHooks";
  await runHooks(registry.hooks("preInvocation"), before);
  after.inputs = before.inputs;
  core.state = "invocation";
  try {
    after.result = await model.invokeFunction(
      context,
      before.inputs as unknown[],
      before.functionCallback as FunctionCallback,
    );
  } catch (error) {
    after.error = error ?? new Error(`the handler threw ${String(error)}`);
  }
  core.state = "postInvocationHooks";
  await runHooks(registry.hooks("postInvocation"), after);
  if (after.error !== null && after.error !== undefined) throw after.error;
  return model.getResponse(context, after.result);
}
