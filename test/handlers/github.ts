import { createHash } from "node:crypto";
import type { SourceRepository } from "../../src/core/source.ts";
import { PermanentError } from "../../src/errors.ts";

export const commit = (n: number) => createHash("sha1").update(`${n}`).digest("hex");
export const main = "refs/heads/main";
/** Images by registry. */
export const yaml = (images: Readonly<Record<string, string>>) =>
  `version: 1\nimages:\n${Object.entries(images)
    .map(
      ([name, registry]) =>
        `  ${name}:\n    registry: ${registry}\n    repository: ${name}\n    context: ${name}\n    on: { push: { branches: [main] } }\n`,
    )
    .join("")}`;

/** A GitHub with one repository, and what it was asked for. */
export class GitHub {
  source: SourceRepository | undefined = { provider: "github", id: 7, fullName: "acme/platform" };
  readonly heads = new Map<string, string>([[main, commit(2)]]);
  readonly files = new Map<string, string>([
    ["slipway.yaml", yaml({ web: "acme" })],
    ["web/Dockerfile", "FROM docker.io/library/node:20\n"],
  ]);
  truncated = false;
  readonly asked: string[] = [];
  /** Called while the head is being read. */
  meanwhile: () => Promise<void> = async () => {};

  async repository() {
    this.asked.push("repository");
    return this.source;
  }
  async refHead(_source: SourceRepository, ref: string) {
    this.asked.push(`head ${ref}`);
    const sha = this.heads.get(ref);
    const head = sha ? ({ kind: "found", sha } as const) : ({ kind: "absent" } as const);
    await this.meanwhile();
    return head;
  }
  async tree() {
    this.asked.push("tree");
    const entries = [...this.files].map(([path, text]) => ({
      path,
      mode: "100644",
      type: "blob" as const,
      sha: createHash("sha1").update(text).digest("hex"),
    }));
    return { entries: this.truncated ? entries.slice(0, 1) : entries, truncated: this.truncated };
  }
  async file(_source: SourceRepository, _sha: string, path: string) {
    this.asked.push(`file ${path}`);
    const text = this.files.get(path);
    if ((text?.length ?? 0) > 256 * 1024) throw new PermanentError("too-large", `${path} is over 256 KiB`);
    return text;
  }
}
