import type { Header } from "tar-stream";
import { PermanentError } from "../errors.ts";
import { isGitMetadata, linkLeaves, pathInContext } from "./entry-path.ts";

/** Linux's own limit for a path; the archive's author could write megabytes. */
const pathLimit = 4096;

export type KeptHeader = Omit<Header, "devmajor" | "devminor" | "linkname" | "pax"> & { readonly linkname?: string };

/** The entry as it is to be in the context, or undefined to leave it out. Throws PermanentError("unsafe-path") for what must not be built at all. */
export function keptEntry(
  header: Pick<Header, "name"> & Partial<Header>,
  contextFolder: string,
): KeptHeader | undefined {
  const name = pathInContext(header.name, contextFolder);
  if (name === undefined || name === "" || isGitMetadata(name)) return undefined;
  const shown = JSON.stringify(name.slice(0, 200));
  if (name.length > pathLimit) throw new PermanentError("unsafe-path", `the path ${shown}… is too long`);
  const common = { name, uid: 0, gid: 0, uname: "", gname: "", mtime: header.mtime ?? new Date(0) };
  switch (header.type) {
    case "file":
    case "contiguous-file": {
      const executable = ((header.mode ?? 0) & 0o100) !== 0;
      return { ...common, type: "file", mode: executable ? 0o755 : 0o644, size: header.size ?? 0 };
    }
    case "directory":
      return { ...common, name: `${name}/`, type: "directory", mode: 0o755, size: 0 };
    case "symlink": {
      const linkname = header.linkname ?? "";
      if (linkname.length > pathLimit || linkLeaves(name, linkname))
        throw new PermanentError(
          "unsafe-path",
          `the link ${shown} points outside the build context (${JSON.stringify(linkname.slice(0, 200))})`,
        );
      return { ...common, type: "symlink", linkname, mode: 0o777, size: 0 };
    }
    default:
      throw new PermanentError(
        "unsafe-path",
        `${shown} is a ${header.type ?? "thing"}; a context holds files, folders and links`,
      );
  }
}
