import { EngineError } from "../engine.ts";
import { readSmallFile } from "./read-small-file.ts";

/** The Dockerfile's text, found inside the context whatever links it goes through. */
export async function readDockerfile(contextDir: string, dockerfile: string): Promise<string> {
  const text = await readSmallFile(contextDir, dockerfile);
  if (text === undefined) throw new EngineError(`the build context has no Dockerfile ${JSON.stringify(dockerfile)}`);
  return text;
}
