import { scanAsAcr } from "./acr-scanner.ts";
import { type Dependency, type DockerfileOptions, type DockerfileResult, readDockerfile } from "./dockerfile.ts";
import type { DockerfileWarning } from "./dockerfile-warnings.ts";
import { pinDockerfile } from "./pin-dockerfile.ts";
import { cut, quote } from "./quote.ts";

export type Preflight =
  | {
      readonly ok: true;
      readonly dependencies: readonly Dependency[];
      /** What may go wrong; the first few. */
      readonly notes: readonly DockerfileWarning[];
    }
  | Extract<DockerfileResult, { readonly ok: false }>;

/** They are stored with the track and shown with it. */
const notesMost = 8;

/**
 * What building this Dockerfile at ACR reads, and what speaks against it, said before a run is spent. Refused is only what
 * surely fails there: what no BuildKit builds, and what ACR's scanner cannot read. `compat`: judged as it will be sent.
 */
export function preflight(text: string, options: DockerfileOptions, compat: boolean): Preflight {
  const written = readDockerfile(text, options);
  if (!written.ok) return written;
  const sent = compat ? pinDockerfile(text, options, {}) : { ok: true as const, text };
  if (!sent.ok) return sent;
  const scan = scanAsAcr(sent.text, options.buildArgs, options.target ?? "");
  if (!scan.ok) {
    const line = scan.line ?? 1;
    const found = sent.text.split("\n", line)[line - 1]!.trim();
    const mend = compat
      ? "write it otherwise (compat changes FROM instructions only)"
      : "set compat: true for the image, or write it plainly on one line";
    // What to do stands first: a commit shows 140 characters.
    return {
      ok: false,
      line,
      message: `ACR cannot read ${quote(cut(found, 40))}`,
      fix: `${mend}: its scanner ${scan.message}, and ends the run before it is built`,
    };
  }
  const checked = compat ? readDockerfile(sent.text, options) : written;
  if (!checked.ok) return checked;
  const { dependencies } = written.facts;
  const fatal = checked.facts.warnings.find((warning) => warning.unlessFrontend);
  if (fatal && !dependencies.some((each) => each.class === "frontend"))
    return {
      ok: false,
      line: fatal.line,
      message: fatal.message,
      fix: "mend its name, or name the frontend that knows it in # syntax=",
    };
  // ACR's Windows builders have no BuildKit to turn on.
  const classic = options.platform?.startsWith("windows/") === true;
  const notes = checked.facts.warnings.filter((warning) => classic || !warning.classicOnly);
  return { ok: true, dependencies, notes: notes.slice(0, notesMost) };
}
