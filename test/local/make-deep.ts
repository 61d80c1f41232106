import { execFileSync } from "node:child_process";

/** Makes folders in folders, until no call takes the path of the innermost; some are closed to their owner's writing. */
export function makeDeep(dir: string): void {
  const deeper =
    'name=$(printf %0100d 0); for at in $(seq 50); do mkdir "$name" && cd -P "$name" || exit; done; echo x > file';
  execFileSync("sh", ["-c", `${deeper}; chmod 500 .`], { cwd: dir, stdio: "ignore" });
}
