import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { test } from "vitest";

/** Some systems (Alpine) package the server side of Git's HTTP protocol apart from git. */
const hasHttpBackend = (() => {
  try {
    accessSync(
      join(execFileSync("git", ["--exec-path"], { encoding: "utf8" }).trim(), "git-http-backend"),
      constants.X_OK,
    );
    return true;
  } catch {
    return false;
  }
})();

/** A test that clones from or pushes to the local GitHub over HTTP. */
export function testGitOverHttp(title: string, body: () => Promise<void>): void {
  test.skipIf(!hasHttpBackend)(hasHttpBackend ? title : `${title} (needs git http-backend)`, body);
}
