/**
 * `npm run twin`: the twin without Slipway, and commands for a twin that runs. Only what old Nodes understand is imported
 * before the check that this one is new enough.
 */
import { execFileSync } from "node:child_process";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { missingRequirements } from "./start/requirements.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const missing = missingRequirements({ node: process.versions.node, git: gitVersion() });
if (missing.length > 0) {
  process.stderr.write(`${missing.join("\n")}\n`);
  process.exit(1);
}
const { readCommandLine, UsageError } = await import("./cli/options.ts");
const { runCommand, usage } = await import("./cli/commands.ts");
try {
  // npm changes to the package's folder; INIT_CWD is where the person is.
  const cwd = process.env.INIT_CWD ?? process.cwd();
  const line = readCommandLine(process.argv.slice(2), { cwd, root });
  if (line.values.help || line.command === "help") process.stdout.write(`${usage()}\n`);
  else if (line.command === undefined) {
    const { runAlone } = await import("./cli/run-alone.ts");
    // Not only the code: an agent's keep-alive socket must not hold up somebody who has seen "stopped".
    process.exit(await runAlone(line, root));
  } else {
    // A reader such as `head` has left: nobody is to be told.
    process.stdout.on("error", () => process.exit(0));
    await runCommand(line, { out: process.stdout, cwd });
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  if (error instanceof UsageError) process.stderr.write("npm run twin -- --help tells what there is.\n");
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

function gitVersion(): string | undefined {
  try {
    return execFileSync("git", ["--version"], { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}
