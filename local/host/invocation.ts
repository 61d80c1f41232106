import { randomUUID } from "node:crypto";
import type { AppRegistry } from "./core-module.ts";
import type {
  CoreInvocationContext,
  FunctionCallback,
  HookData,
  InvocationModel,
  InvocationResponse,
  LogLevel,
  TypedData,
} from "./core-types.ts";
import { runHooks, runHooksNow } from "./hooks.ts";
import { describeError, type Log } from "./log.ts";
import type { FunctionDefinition } from "./metadata.ts";
import { traceParentFrom } from "./trace-context.ts";

export interface InvocationInput {
  readonly data: TypedData;
  readonly triggerMetadata?: Record<string, TypedData>;
  readonly traceParent?: string | undefined;
  readonly traceState?: string | undefined;
  /** Why it runs, as the real host logs it: "This function was programmatically called via the host APIs." */
  readonly reason: string;
}

export interface InvokerOptions {
  readonly registry: AppRegistry;
  readonly log: Log;
  /** Milliseconds; undefined is unbounded. */
  readonly functionTimeout: number | undefined;
  /** Sends what the handler returned to output bindings; a failure fails the invocation. */
  readonly bindOutputs: (definition: FunctionDefinition, response: InvocationResponse) => Promise<void>;
  /** The real host kills its worker process, and with it every other invocation; it does not come back. */
  readonly onTimeout: (functionName: string) => void;
}

export interface Invoker {
  /** Runs one invocation to its end, outputs included. Rejects when any step failed. */
  invoke(definition: FunctionDefinition, input: InvocationInput): Promise<InvocationResponse>;
  /** Settles when nothing runs any more. */
  idle(): Promise<void>;
}

/** Performs the sequence of the Node worker (facts/functions-host.md §1.4), then the host's part: outputs, logs, timeout. */
export function createInvoker({ registry, log, functionTimeout, bindOutputs, onTimeout }: InvokerOptions): Invoker {
  const running = new Set<Promise<unknown>>();

  async function invoke(definition: FunctionDefinition, input: InvocationInput): Promise<InvocationResponse> {
    const invocationId = randomUUID();
    const fields = { function: definition.name, invocationId };
    const category = `Function.${definition.name}`;
    const started = performance.now();
    log("information", category, `Executing 'Functions.${definition.name}' (Reason='${input.reason}')`, fields);
    const timer =
      functionTimeout === undefined
        ? undefined
        : setTimeout(() => {
            log(
              "error",
              category,
              `Timeout value of ${functionTimeout} ms exceeded by function ${definition.name}`,
              fields,
            );
            onTimeout(definition.name);
          }, functionTimeout);
    try {
      const response = await runInWorker(registry, log, definition, input, invocationId);
      await bindOutputs(definition, response);
      const duration = Math.round(performance.now() - started);
      log(
        "information",
        category,
        `Executed 'Functions.${definition.name}' (Succeeded, Duration=${duration}ms)`,
        fields,
      );
      return response;
    } catch (error) {
      const duration = Math.round(performance.now() - started);
      log(
        "error",
        category,
        `Executed 'Functions.${definition.name}' (Failed, Duration=${duration}ms)\n${describeError(error)}`,
        fields,
      );
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    invoke(definition, input) {
      const invocation = invoke(definition, input);
      const settled = invocation.catch(() => {}).finally(() => running.delete(settled));
      running.add(settled);
      return invocation;
    },
    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}

async function runInWorker(
  registry: AppRegistry,
  log: Log,
  definition: FunctionDefinition,
  input: InvocationInput,
  invocationId: string,
): Promise<InvocationResponse> {
  const programmingModel = registry.model;
  if (!programmingModel) throw new Error("no programming model is set");
  let context: unknown;
  const core: CoreInvocationContext = {
    invocationId,
    request: {
      invocationId,
      functionId: definition.name,
      inputData: [{ name: definition.trigger.bindingName, data: input.data }],
      ...(input.triggerMetadata ? { triggerMetadata: input.triggerMetadata } : {}),
      traceContext: {
        traceParent: traceParentFrom(input.traceParent),
        traceState: input.traceState ?? "",
        attributes: {},
      },
    },
    metadata: definition.metadata,
    log(level, category, message) {
      // Log hooks may rewrite level and message.
      const entry: HookData = { level, category, message, invocationContext: context };
      runHooksNow(registry.hooks("log"), entry);
      const name = category === "user" ? `Function.${definition.name}.User` : `Function.${definition.name}`;
      log(entry.level as LogLevel, name, String(entry.message), { function: definition.name, invocationId });
    },
  };
  const model = programmingModel.getInvocationModel(core);
  const args = await model.getArguments();
  context = args.context;
  return runHandler(registry, model, core, args, definition.callback);
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
