import type { TypedData } from "./core-types.ts";

/** A value as it leaves a handler, before a binding gives it a meaning. */
export type OutputValue =
  | { readonly kind: "none" }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "json"; readonly value: unknown };

/** Reads what the library sent back; numbers become JSON values. */
export function outputValue(data: TypedData | null | undefined): OutputValue {
  if (!data) return { kind: "none" };
  if (typeof data.string === "string") return { kind: "text", text: data.string };
  if (typeof data.json === "string") return { kind: "json", value: JSON.parse(data.json) };
  if (data.bytes) return { kind: "bytes", bytes: Buffer.from(data.bytes) };
  const number = data.int ?? data.double;
  return typeof number === "number" ? { kind: "json", value: number } : { kind: "none" };
}

/** Text when the bytes are UTF-8, else the bytes themselves. */
export function textOrBytes(bytes: Buffer): TypedData {
  try {
    return { string: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { bytes };
  }
}
