import type { Json } from "../task-record.ts";
import { badRequest } from "./arm-error.ts";

/** Reads properties of a JSON object from a request, refusing what is missing or of the wrong kind. Null counts as absent. */
export class JsonFields {
  readonly #object: Record<string, unknown>;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw badRequest(`The value of '${path}' must be an object.`);
    }
    this.#object = value as Record<string, unknown>;
    this.#path = path;
  }

  keys(): string[] {
    return Object.keys(this.#object);
  }

  text(key: string): string {
    return this.optionalText(key) || this.#missing(key);
  }

  optionalText(key: string): string | undefined {
    return this.#optional(key, "string");
  }

  optionalNumber(key: string): number | undefined {
    return this.#optional(key, "number");
  }

  flag(key: string, otherwise: boolean): boolean {
    return this.#optional<boolean>(key, "boolean") ?? otherwise;
  }

  /** One of these words, in whatever case it came. */
  optionalWord<Word extends string>(key: string, words: readonly Word[]): Word | undefined {
    const given = this.optionalText(key);
    if (given === undefined) return undefined;
    const word = words.find((one) => one.toLowerCase() === given.toLowerCase());
    if (!word) throw badRequest(`The value '${given}' of '${this.#path}.${key}' is not one of ${words.join(", ")}.`);
    return word;
  }

  word<Word extends string>(key: string, words: readonly Word[]): Word {
    return this.optionalWord(key, words) ?? this.#missing(key);
  }

  /** The object as it came. */
  json(): Json {
    return this.#object;
  }

  fields(key: string): JsonFields {
    return this.optionalFields(key) ?? this.#missing(key);
  }

  optionalFields(key: string): JsonFields | undefined {
    const value = this.#object[key];
    return value === undefined || value === null ? undefined : new JsonFields(value, `${this.#path}.${key}`);
  }

  texts(key: string): string[] {
    return this.#list(key).map((value) => {
      if (typeof value !== "string") throw badRequest(`The values of '${this.#path}.${key}' must be strings.`);
      return value;
    });
  }

  /** Objects with a name, such as triggers. */
  list(key: string): JsonFields[] {
    return this.#list(key).map((item, index) => new JsonFields(item, `${this.#path}.${key}[${index}]`));
  }

  /** Name and value pairs, as arguments and task values are given. */
  pairs(key: string): { name: string; value: string }[] {
    return this.list(key).map((pair) => ({ name: pair.text("name"), value: pair.optionalText("value") ?? "" }));
  }

  #list(key: string): unknown[] {
    const value = this.#object[key];
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw badRequest(`The value of '${this.#path}.${key}' must be a list.`);
    return value;
  }

  #optional<T extends string | number | boolean>(key: string, kind: "string" | "number" | "boolean"): T | undefined {
    const value = this.#object[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== kind) throw badRequest(`The value of '${this.#path}.${key}' must be a ${kind}.`);
    return value as T;
  }

  #missing(key: string): never {
    throw badRequest(`Missing required property '${this.#path}.${key}'.`);
  }
}
