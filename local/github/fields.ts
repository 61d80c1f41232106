import { validationFailed } from "./http-error.ts";

/** A text of a request's body, null when absent; of another type or too long is GitHub's 422. */
export function textField(
  resource: string,
  body: Record<string, unknown>,
  field: string,
  most = Number.POSITIVE_INFINITY,
): string | null {
  const value = body[field] ?? null;
  if (value === null) return null;
  if (typeof value !== "string") throw validationFailed(resource, field, `${field} is not a string`);
  if ([...value].length > most) {
    throw validationFailed(resource, field, `${field} is too long (maximum is ${most} characters)`);
  }
  return value;
}

export function requiredField(
  resource: string,
  body: Record<string, unknown>,
  field: string,
  most = Number.POSITIVE_INFINITY,
): string {
  const value = textField(resource, body, field, most);
  if (!value) throw validationFailed(resource, field, `${field} is missing`);
  return value;
}

/** One of a closed list, or null when absent. */
export function wordField<T extends string>(
  resource: string,
  body: Record<string, unknown>,
  field: string,
  words: readonly T[],
): T | null {
  const value = textField(resource, body, field);
  if (value === null) return null;
  const word = words.find((each) => each === value);
  if (word === undefined) throw validationFailed(resource, field, `${field} is not included in the list`);
  return word;
}

export function flagField(body: Record<string, unknown>, field: string): boolean | undefined {
  const value = body[field];
  if (value === undefined || value === null || typeof value === "boolean") return value ?? undefined;
  throw validationFailed("Request", field, `${field} is not a boolean`);
}
