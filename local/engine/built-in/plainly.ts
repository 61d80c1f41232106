import { EngineError } from "../engine.ts";

/** What the system refuses (no space, no permission, a path too long) is a failed build, in the system's own words. */
export async function plainly<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asPlain(error);
  }
}

export function asPlain(error: unknown): unknown {
  const isRefusal = error instanceof Error && "syscall" in error && !(error instanceof EngineError);
  return isRefusal ? new EngineError(error.message, { cause: error }) : error;
}
