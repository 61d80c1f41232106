import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { EngineError } from "../engine.ts";
import { Keeper } from "./keeper.ts";
import { tool } from "./tool.ts";

const run = promisify(execFile);

/**
 * The user namespace of all sandboxes. Root's knows every user of ours, by the same number; anybody else's knows only
 * root. In it, root is no root of the machine. And it is the last one: in a further one, root of an image could mount
 * /proc anew and write there, and lift the limits of its control group. Undefined where the machine makes none for
 * root, who then makes none in the sandbox either.
 */
export async function keepUsers(mode: "root" | "user"): Promise<Keeper | undefined> {
  const mapped = mode === "user" ? ["--map-root-user"] : [];
  const keeper = await Keeper.start([tool("unshare"), "--user", ...mapped, "--"], "");
  if (keeper === undefined) {
    if (mode === "root") return undefined;
    throw new EngineError("this machine does not allow namespaces of an unprivileged user");
  }
  try {
    if (mode === "root") {
      for (const kind of ["uid_map", "gid_map"]) await mapAll(keeper.process, kind);
    }
    const [nsenter, ...entering] = enterUsers(keeper);
    await run(nsenter!, [...entering, "--", tool("sh"), "-c", "echo 0 > /proc/sys/user/max_user_namespaces"]);
    return keeper;
  } catch (error) {
    await keeper.stop();
    throw new EngineError(`user namespaces cannot be limited on this machine: ${(error as Error).message}`);
  }
}

/** The beginning of a command in the namespace. */
export function enterUsers(keeper: Keeper): string[] {
  return [tool("nsenter"), `--user=${keeper.process}/ns/user`, "--preserve-credentials"];
}

/** What we know ourselves, all of the machine's or, in a container, part of them. */
async function mapAll(process: string, kind: string): Promise<void> {
  const lines = (await readFile(`/proc/self/${kind}`, "utf8")).trim().split("\n");
  const map = lines.map((line) => {
    const [inside, , count] = line.trim().split(/\s+/);
    return `${inside} ${inside} ${count}\n`;
  });
  await writeFile(`${process}/${kind}`, map.join(""));
}
