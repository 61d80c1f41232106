import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "../engine.ts";
import { pathInRoot } from "./path-in-root.ts";

/** The Dockerfile's text, found inside the context whatever links it goes through. */
export async function readDockerfile(contextDir: string, dockerfile: string): Promise<string> {
  const path = join(contextDir, await pathInRoot(contextDir, dockerfile));
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new EngineError(`the build context has no Dockerfile ${JSON.stringify(dockerfile)}`, { cause: error });
  }
}
