import { EngineError } from "../../engine.ts";
import type { Instruction } from "../dockerfile.ts";
import { diffSnapshots, takeSnapshot } from "../rootfs-diff.ts";
import type { StageBuild } from "../stage-build.ts";
import { findUser } from "../users.ts";
import { commandOf } from "./configure.ts";
import type { InstructionCall, InstructionHandler } from "./instruction-call.ts";
import { parseMount, type RunMount } from "./run-mount.ts";
import { RunMounts } from "./run-mounts.ts";

/** Runs a command in the stage's files and keeps what it changed as a layer. */
export const run: InstructionHandler = async (call) => {
  const { stage, instruction, log, signal } = call;
  const wanted = readFlags(call);
  const sandbox = await call.sandbox();
  const written = commandWithHeredocs(stage, instruction);
  const user = await findUser(stage.root, stage.config.User || "0");
  const before = await takeSnapshot(stage.root);
  const mounts = await RunMounts.make(call, wanted);
  let code: number;
  let command = written;
  try {
    const script = written.at(-1)!;
    if (isScript(instruction) && script.startsWith("#!")) command = [await mounts.addScript(script)];
    const env = { HOME: user.home ?? "/", ...call.proxies, ...stage.environment(), ...mounts.env };
    const workingDirectory = stage.config.WorkingDir || "/";
    const { uid, gid, groups } = user;
    const inside = { root: stage.root, command, env, workingDirectory, uid, gid, groups, mounts: mounts.mounts };
    code = await sandbox.run(inside, log, signal);
  } finally {
    await mounts.release();
  }
  if (code !== 0) {
    throw new EngineError(`The command '${command.join(" ")}' returned a non-zero code: ${code}`);
  }
  const entries = await diffSnapshots(stage.root, before, await takeSnapshot(stage.root));
  await stage.addLayer(entries, `RUN ${command.join(" ")}`, true);
};

function readFlags({ instruction, stage }: InstructionCall): RunMount[] {
  const mounts: RunMount[] = [];
  for (const { name, value } of instruction.flags) {
    if (name === "mount") mounts.push(parseMount(value, (text) => stage.expand(text)));
    // There is no network but a loopback in any case.
    else if (name === "network" && (value === "none" || value === "default")) continue;
    else throw new EngineError(`RUN --${name}=${value} is not supported by the built-in engine`);
  }
  return mounts;
}

function isScript({ heredocs, text }: Instruction): boolean {
  return heredocs.length > 0 && text.trim() === heredocs[0]!.marker;
}

/**
 * A here-document alone is a script for the shell, or for what its first line names. After a command it is the shell's own business, which gets the lines
 * as they are written.
 */
function commandWithHeredocs(stage: StageBuild, instruction: Instruction): string[] {
  const { heredocs, text } = instruction;
  if (heredocs.length === 0) return commandOf({ stage, instruction });
  const shell = stage.config.Shell ?? ["/bin/sh", "-c"];
  const [first] = heredocs;
  if (isScript(instruction)) return [...shell, first!.content];
  return [...shell, [text, ...heredocs.map((heredoc) => heredoc.source)].join("\n")];
}
