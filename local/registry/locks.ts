import { RegistryError } from "./registry-error.ts";

/** ACR's `changeableAttributes`, each set on its own for a repository, a tag or a manifest. */
export interface Attributes {
  readonly deleteEnabled: boolean;
  readonly writeEnabled: boolean;
  readonly readEnabled: boolean;
  readonly listEnabled: boolean;
}

export interface Lockable {
  attributes?: Attributes;
}

export const unlocked: Attributes = { deleteEnabled: true, writeEnabled: true, readEnabled: true, listEnabled: true };

/** A write lock forbids deleting too (https://github.com/Azure/acr/issues/561). */
const needed: Readonly<Record<"read" | "write" | "delete", readonly (keyof Attributes)[]>> = {
  read: ["readEnabled"],
  write: ["writeEnabled"],
  delete: ["deleteEnabled", "writeEnabled"],
};

/** Throws as ACR answers, 405 REGISTRY_DISALLOWED_OPERATION, unless all that is touched allows the operation. */
export function refuseIfLocked(operation: keyof typeof needed, touched: Iterable<Lockable | undefined>): void {
  for (const { attributes = unlocked } of [...touched].filter((item) => item !== undefined)) {
    if (needed[operation].every((attribute) => attributes[attribute])) continue;
    throw new RegistryError(
      405,
      "REGISTRY_DISALLOWED_OPERATION",
      "The operation is disallowed on this registry, repository or image. View troubleshooting steps at " +
        "https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation-",
    );
  }
}

export function isListed({ attributes = unlocked }: Lockable): boolean {
  return attributes.listEnabled;
}

/** Reads the body of a PATCH: any of the four, booleans only; what else is in it is left alone. */
export function readAttributes(body: unknown): Partial<Attributes> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw invalid("the body must be a JSON object");
  const changes: Record<string, boolean> = {};
  for (const name of Object.keys(unlocked)) {
    const value = (body as Record<string, unknown>)[name];
    if (value === undefined) continue;
    if (typeof value !== "boolean") throw invalid(`${name} must be true or false`);
    changes[name] = value;
  }
  return changes;
}

function invalid(message: string): RegistryError {
  return new RegistryError(400, "UNSUPPORTED", message);
}
