import { join, posix } from "node:path";
import { lstatIfAny, pathInRoot } from "../../context/path-in-root.ts";
import { EngineError } from "../../engine.ts";
import type { LayerEntry } from "../layer-entry.ts";
import type { InstructionHandler } from "./instruction-call.ts";

/** Sets the working directory and makes it, in a layer of its own, when it is missing. */
export const workdir: InstructionHandler = async ({ stage, instruction }) => {
  if (instruction.text === "") throw new EngineError("no folder is given");
  const path = posix.normalize(stage.absolute(stage.expand(instruction.text)));
  stage.config.WorkingDir = path.length > 1 ? path.replace(/\/$/, "") : path;
  const parts = (await pathInRoot(stage.root, path)).split("/").filter((part) => part !== "");
  const entries: LayerEntry[] = [];
  for (const [index] of parts.entries()) {
    const folder = parts.slice(0, index + 1).join("/");
    if (await lstatIfAny(join(stage.root, folder))) continue;
    entries.push({ type: "directory", path: folder, mode: 0o755, uid: 0, gid: 0 });
  }
  await stage.addLayer(entries, `WORKDIR ${stage.config.WorkingDir}`);
};
