import type { FunctionMetadata, InvocationRequest, InvocationResponse, LogLevel } from "./core-types.ts";
import type { LogFields } from "./log.ts";

/**
 * What host and worker say to each other, over Node's IPC channel where the real ones use gRPC. The names are those of the
 * real protocol: https://github.com/Azure/azure-functions-language-worker-protobuf
 */
export type ToWorker =
  | { readonly kind: "invocationRequest"; readonly request: InvocationRequest }
  /** Run the appTerminate hooks and end. */
  | { readonly kind: "workerTerminate" };

export type FromWorker =
  /** Every entry point is loaded and registration is closed. */
  | { readonly kind: "functionMetadata"; readonly functions: readonly FunctionMetadata[] }
  | { readonly kind: "loadFailed"; readonly error: string }
  | {
      readonly kind: "log";
      readonly level: LogLevel;
      readonly category: string;
      readonly message: string;
      readonly fields?: LogFields;
    }
  | { readonly kind: "invocationResponse"; readonly invocationId: string; readonly response: InvocationResponse }
  | { readonly kind: "invocationFailed"; readonly invocationId: string; readonly error: string };
