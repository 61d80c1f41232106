import { randomUUID } from "node:crypto";
import { ArmError } from "./arm-error.ts";

export interface Operation {
  readonly id: string;
  /** Azure's word for what is going on, or Succeeded or Failed. */
  readonly status: string;
  readonly error?: ArmError;
}

/** Seconds a client is asked to wait between two looks: without it `az` waits thirty. */
export const retryAfter = { "Retry-After": "1" };

/** ARM operations under way, and the last ones done. They are not kept: after a crash nobody knows their ids. */
export class Operations {
  readonly #kept = 500;
  readonly #all = new Map<string, Operation>();

  /** `going` in Azure's words, such as Creating. */
  start(going: string, work: Promise<unknown>): Operation {
    const operation = { id: `registries-${randomUUID()}`, status: going };
    this.#set(operation);
    work.then(
      () => this.#set({ ...operation, status: "Succeeded" }),
      (error: unknown) => this.#set({ ...operation, status: "Failed", error: asArmError(error) }),
    );
    return operation;
  }

  find(id: string): Operation | undefined {
    return this.#all.get(id.toLowerCase());
  }

  #set(operation: Operation): void {
    this.#all.set(operation.id, operation);
    const [oldest] = this.#all.keys();
    if (this.#all.size > this.#kept && oldest !== undefined) this.#all.delete(oldest);
  }
}

function asArmError(error: unknown): ArmError {
  if (error instanceof ArmError) return error;
  console.error("acr: an operation failed inside the twin", error);
  return new ArmError(500, "InternalServerError", error instanceof Error ? error.message : String(error));
}
