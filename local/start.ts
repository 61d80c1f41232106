/**
 * `npm start`: Slipway with all it needs, on this machine. Only what old Nodes understand is imported before the check
 * that this one is new enough.
 */
import { execFileSync } from "node:child_process";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseFlags, usage } from "./start/flags.ts";
import { missingRequirements } from "./start/requirements.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const missing = missingRequirements({ node: process.versions.node, git: gitVersion() });
const parsed = parseFlags(process.argv.slice(2), { cwd: process.cwd(), root });

if (missing.length > 0) {
  process.stderr.write(`${missing.join("\n")}\n`);
  process.exitCode = 1;
} else if (parsed.kind === "help") {
  process.stdout.write(`${usage}\n`);
} else if (parsed.kind === "wrong") {
  process.stderr.write(`${parsed.message}\n\n${usage}\n`);
  process.exitCode = 2;
} else {
  const { run } = await import("./start/run.ts");
  // Not only the code: an agent's keep-alive socket must not hold up somebody who has seen "stopped".
  process.exit(await run(parsed.flags, root));
}

function gitVersion(): string | undefined {
  try {
    return execFileSync("git", ["--version"], { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}
