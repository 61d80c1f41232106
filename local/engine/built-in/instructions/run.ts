import { EngineError } from "../../engine.ts";
import type { Instruction } from "../dockerfile.ts";
import { diffSnapshots, takeSnapshot } from "../rootfs-diff.ts";
import type { StageBuild } from "../stage-build.ts";
import { findUser } from "../users.ts";
import { commandOf } from "./configure.ts";
import type { InstructionHandler } from "./instruction-call.ts";

/** Runs a command in the stage's files and keeps what it changed as a layer. */
export const run: InstructionHandler = async (call) => {
  const { stage, instruction, log, signal } = call;
  refuseFlags(instruction);
  const sandbox = await call.sandbox();
  const command = commandWithHeredocs(stage, instruction);
  const user = await findUser(stage.root, stage.config.User || "0");
  const before = await takeSnapshot(stage.root);
  const env = { HOME: user.home ?? "/", ...stage.environment() };
  const workingDirectory = stage.config.WorkingDir || "/";
  const { uid, gid } = user;
  const code = await sandbox.run({ root: stage.root, command, env, workingDirectory, uid, gid }, log, signal);
  if (code !== 0) {
    throw new EngineError(`The command '${command.join(" ")}' returned a non-zero code: ${code}`);
  }
  const entries = await diffSnapshots(stage.root, before, await takeSnapshot(stage.root));
  await stage.addLayer(entries, `RUN ${command.join(" ")}`, true);
};

function refuseFlags({ flags }: Instruction): void {
  for (const { name, value } of flags) {
    if (name === "network" && (value === "none" || value === "default")) continue;
    throw new EngineError(`RUN --${name} is not supported by the built-in engine; it needs Docker`);
  }
}

/**
 * A here-document alone is a script for the shell. After a command it is the shell's own business, which gets the lines
 * as they are written.
 */
function commandWithHeredocs(stage: StageBuild, instruction: Instruction): string[] {
  const { heredocs, text } = instruction;
  if (heredocs.length === 0) return commandOf({ stage, instruction });
  const shell = stage.config.Shell ?? ["/bin/sh", "-c"];
  const [first] = heredocs;
  if (text.trim() === first!.marker) return [...shell, first!.content];
  return [...shell, [text, ...heredocs.map((heredoc) => heredoc.source)].join("\n")];
}
