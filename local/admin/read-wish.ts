import { type FaultWish, type Part, parts } from "./fault-table.ts";

const numbers = ["times", "seconds", "status", "retryAfter"] as const;
const texts = ["on", "method", "run"] as const;

/** Reads a wish from JSON; throws a sentence about what is wrong with it. */
export function readWish(body: Record<string, unknown>): FaultWish {
  const { part, fault } = body;
  if (typeof fault !== "string") throw new Error("fault is the name of a fault");
  const known: readonly string[] = ["part", "fault", ...numbers, ...texts];
  for (const name of Object.keys(body)) if (!known.includes(name)) throw new Error(`a fault has no ${name}`);
  for (const name of numbers) {
    const value = body[name];
    if (value !== undefined && !(typeof value === "number" && value >= 0 && Number.isFinite(value)))
      throw new Error(`${name} is a number from 0, not ${JSON.stringify(value)}`);
  }
  for (const name of texts)
    if (body[name] !== undefined && typeof body[name] !== "string") throw new Error(`${name} is text`);
  const wish: FaultWish = { ...body, part: readPart(part), fault };
  const { times = 1 } = wish;
  if (!Number.isInteger(times) || times < 1) throw new Error(`times is a whole number from 1`);
  return wish;
}

export function readPart(part: unknown): Part {
  if (!(parts as readonly unknown[]).includes(part)) throw new Error(`${part} is none of ${parts.join(", ")}`);
  return part as Part;
}
