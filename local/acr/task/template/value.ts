/**
 * What a template computes with: YAML's values as Go decodes them. Whole numbers are bigint and others number, because
 * Go tells them apart; undefined is Go's nil, which also stands for a key that is not there.
 */
export type Value = string | bigint | number | boolean | undefined | readonly Value[] | ValueMap;
export interface ValueMap {
  readonly [key: string]: Value;
}

export function isMap(value: Value): value is ValueMap {
  return typeof value === "object" && !Array.isArray(value);
}

export function typeName(value: Value): string {
  if (value === undefined) return "nil";
  if (Array.isArray(value)) return "[]interface {}";
  const names = { string: "string", bigint: "int", number: "float64", boolean: "bool" } as const;
  return names[typeof value as keyof typeof names] ?? "map[string]interface {}";
}

/** Go's idea of an empty value, which is false to `if` and absent to `default`. */
export function isEmpty(value: Value): boolean {
  if (value === undefined || value === "" || value === false || value === 0 || value === 0n) return true;
  if (typeof value !== "object") return false;
  return (Array.isArray(value) ? value : Object.keys(value)).length === 0;
}

/** As `%v` prints it. */
export function printed(value: Value): string {
  if (value === undefined) return "<nil>";
  if (typeof value === "number") return printedFloat(value);
  if (typeof value !== "object") return String(value);
  if (!isMap(value)) return `[${value.map(printed).join(" ")}]`;
  const entries = Object.keys(value).sort(byBytes);
  return `map[${entries.map((key) => `${key}:${printed(value[key])}`).join(" ")}]`;
}

function printedFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-4) return value.toExponential().replace(/e-(\d)$/, "e-0$1");
  return size >= 1e21 ? value.toExponential() : String(value);
}

/** Strings in the order of their UTF-8 bytes, which is not that of their UTF-16 units. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
