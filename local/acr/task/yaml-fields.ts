import { TaskError } from "./task-error.ts";

/**
 * Reads fields of a YAML mapping parsed with the failsafe schema, where every scalar is its own text: like the engine's
 * decoder, which lets the field's type decide and ignores unknown keys.
 */
export class YamlFields {
  readonly #map: Record<string, unknown>;
  readonly #where: string;

  constructor(value: unknown, where: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new TaskError(`failed to deserialize task: ${where} is not a mapping`);
    }
    this.#map = value as Record<string, unknown>;
    this.#where = where;
  }

  text(key: string): string {
    const value = this.#map[key];
    if (value === undefined || value === null) return "";
    if (typeof value !== "string") throw this.#wrong(key, "text");
    return value;
  }

  /** A whole number; 0 when absent. */
  number(key: string): number {
    const text = this.text(key);
    if (!/^[-+]?\d*$/.test(text)) throw this.#wrong(key, "a whole number");
    return Number(text);
  }

  flag(key: string): boolean {
    const text = this.text(key).toLowerCase();
    if (["true", "yes", "on", "y"].includes(text)) return true;
    if (["", "false", "no", "off", "n"].includes(text)) return false;
    throw this.#wrong(key, "true or false");
  }

  list(key: string): unknown[] {
    const value = this.#map[key];
    if (value === undefined || value === null || value === "") return [];
    if (!Array.isArray(value)) throw this.#wrong(key, "a list");
    return value;
  }

  texts(key: string): string[] {
    return this.list(key).map((value) => {
      if (typeof value !== "string") throw this.#wrong(key, "a list of text");
      return value;
    });
  }

  /** A mapping of names to text; undefined when absent. */
  textMap(key: string): Record<string, string> | undefined {
    const value = this.#map[key];
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value !== "object" || Array.isArray(value)) throw this.#wrong(key, "a mapping");
    if (Object.values(value).some((text) => typeof text !== "string")) throw this.#wrong(key, "a mapping of text");
    return value as Record<string, string>;
  }

  #wrong(key: string, wanted: string): TaskError {
    return new TaskError(`failed to deserialize task: ${this.#where}: ${key} is not ${wanted}`);
  }
}
