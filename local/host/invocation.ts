import { randomUUID } from "node:crypto";
import type { InvocationRequest, InvocationResponse, TypedData } from "./core-types.ts";
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

/** Where invocations run: see language-worker.ts. */
export interface InvocationWorker {
  /** Rejects when the handler failed or its process crashed; never settles when the process was ended on purpose. */
  invoke(request: InvocationRequest): Promise<InvocationResponse>;
  /** Ends the process that runs this invocation, and starts another. */
  endProcessRunning(invocationId: string): void;
}

export interface InvokerOptions {
  readonly worker: InvocationWorker;
  readonly log: Log;
  /** Milliseconds; undefined is unbounded. */
  readonly functionTimeout: number | undefined;
  /** Sends what the handler returned to output bindings; a failure fails the invocation. */
  readonly bindOutputs: (definition: FunctionDefinition, response: InvocationResponse) => Promise<void>;
}

export interface Invoker {
  /** Runs one invocation to its end, outputs included. Rejects when any step failed. */
  invoke(definition: FunctionDefinition, input: InvocationInput): Promise<InvocationResponse>;
  /** Settles when nothing runs any more. */
  idle(): Promise<void>;
}

/** The host's part of an invocation: hand it to the worker, bind outputs, log, and watch over its time. */
export function createInvoker({ worker, log, functionTimeout, bindOutputs }: InvokerOptions): Invoker {
  const running = new Set<Promise<unknown>>();

  async function invoke(definition: FunctionDefinition, input: InvocationInput): Promise<InvocationResponse> {
    const invocationId = randomUUID();
    const fields = { function: definition.name, invocationId };
    const category = `Function.${definition.name}`;
    const started = performance.now();
    const took = (): number => Math.round(performance.now() - started);
    log("information", category, `Executing 'Functions.${definition.name}' (Reason='${input.reason}')`, fields);
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      if (functionTimeout === undefined) return;
      timer = setTimeout(() => {
        const what = `Timeout value of ${functionTimeout} ms exceeded by function ${definition.name}`;
        log("error", category, what, fields);
        reject(new Error(what));
        worker.endProcessRunning(invocationId);
      }, functionTimeout);
    });
    const work = async (): Promise<InvocationResponse> => {
      const response = await worker.invoke(requestOf(definition, input, invocationId));
      await bindOutputs(definition, response);
      return response;
    };
    try {
      const response = await Promise.race([work(), timeout]);
      log("information", category, `Executed 'Functions.${definition.name}' (Succeeded, Duration=${took()}ms)`, fields);
      return response;
    } catch (error) {
      const what = `Executed 'Functions.${definition.name}' (Failed, Duration=${took()}ms)\n${describeError(error)}`;
      log("error", category, what, fields);
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

function requestOf(definition: FunctionDefinition, input: InvocationInput, invocationId: string): InvocationRequest {
  return {
    invocationId,
    functionId: definition.name,
    inputData: [{ name: definition.trigger.bindingName, data: input.data }],
    ...(input.triggerMetadata ? { triggerMetadata: input.triggerMetadata } : {}),
    traceContext: {
      traceParent: traceParentFrom(input.traceParent),
      traceState: input.traceState ?? "",
      attributes: {},
    },
  };
}
