import { accessSync, constants } from "node:fs";
import { EngineError } from "../engine.ts";

export const toolFolders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/bin"];

/** Where this machine has a program, whatever PATH says; undefined when it has none. */
export function findTool(name: string): string | undefined {
  return toolFolders
    .map((folder) => `${folder}/${name}`)
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export function tool(name: string): string {
  const path = findTool(name);
  if (path !== undefined) return path;
  throw new EngineError(`there is no ${name} on this machine (packages util-linux and coreutils)`);
}
