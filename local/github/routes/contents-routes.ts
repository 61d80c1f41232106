import { posix } from "node:path";
import type { Hono } from "hono";
import { gitIn } from "../git.ts";
import { GitHubHttpError, notFound } from "../http-error.ts";
import { findObject, readBlob, readTree, resolveCommit, type TreeEntry } from "../objects.ts";
import { gitDirOf } from "../repositories.ts";
import { repositoryApiUrl, repositoryHtmlUrl } from "../repository-body.ts";
import { type ApiContext, type ApiEnv, accepts, repositoryFor } from "../request.ts";
import type { Repository } from "../state.ts";
import type { World } from "../world.ts";
import { base64Lines } from "./base64-lines.ts";

/** A path looked up at a commit. */
interface Place {
  world: World;
  repository: Repository;
  gitDir: string;
  commit: string;
  /** The `ref` as asked for, which GitHub repeats in its links. */
  ref: string;
}

/** https://docs.github.com/rest/repos/contents#get-repository-content */
export function contentsRoutes(app: Hono<ApiEnv>, world: World): void {
  app.get("/repos/:owner/:repo/contents", (c) => getContents(world, c, ""));
  app.get("/repos/:owner/:repo/contents/:path{.*}", (c) => getContents(world, c, c.req.param("path") ?? ""));
}

async function getContents(world: World, c: ApiContext, rawPath: string): Promise<Response> {
  const repository = repositoryFor(world, c, "contents");
  const path = rawPath.replace(/\/+$/, "");
  const ref = c.req.query("ref") || repository.defaultBranch;
  if (Object.keys(repository.refs).length === 0) throw new GitHubHttpError(404, "This repository is empty.");
  const commit = await resolveCommit(world, repository, ref);
  if (!commit) throw new GitHubHttpError(404, `No commit found for the ref ${ref}`);
  const place: Place = { world, repository, gitDir: gitDirOf(world, repository), commit, ref };

  if (path === "") return listDirectory(c, place, path);
  const entry = await entryAt(place, path);
  if (!entry) throw notFound();
  if (entry.type === "tree") return listDirectory(c, place, path);
  if (entry.type === "commit") return submodule(c, place, entry);
  if (entry.mode !== "120000") return file(c, place, path, entry);
  const target = await symlinkTarget(place, entry);
  const pointedAt = await entryAt(place, posix.join(posix.dirname(path), target));
  if (pointedAt?.type === "blob" && pointedAt.mode !== "120000") return file(c, place, path, pointedAt);
  return c.json({ ...entryBody(place, entry, "symlink"), target });
}

async function entryAt(place: Place, path: string): Promise<TreeEntry | undefined> {
  // Git reads `.` and `..` as relative to a work tree, which a bare repository has not got.
  if (path.split("/").some((segment) => segment === "" || segment === "." || segment === "..")) return undefined;
  const parent = path.includes("/") ? `${place.commit}:${posix.dirname(path)}` : place.commit;
  const tree = await findObject(place.gitDir, parent);
  if (tree?.type !== "tree" && tree?.type !== "commit") return undefined;
  const entries = (await readTree(place.gitDir, tree.sha, false)) ?? [];
  const entry = entries.find((each) => each.path === posix.basename(path));
  return entry && { ...entry, path };
}

async function listDirectory(c: ApiContext, place: Place, path: string): Promise<Response> {
  const name = path === "" ? place.commit : `${place.commit}:${path}`;
  const tree = await findObject(place.gitDir, name === place.commit ? `${name}^{tree}` : name);
  const all = (await readTree(place.gitDir, tree!.sha, false)) ?? [];
  // A submodule is called a file in listings until version 2026-03-10, to GitHub's own regret.
  const submoduleWord = c.req.header("x-github-api-version") === "2026-03-10" ? "submodule" : "file";
  const entries = all.slice(0, place.world.limits.directoryEntries).map((entry) => {
    const full = { ...entry, path: path === "" ? entry.path : `${path}/${entry.path}` };
    return entryBody(place, full, kindOf(entry, submoduleWord));
  });
  if (!accepts(c, "object")) return c.json(entries);
  const self: TreeEntry = { path, mode: "040000", type: "tree", sha: tree!.sha };
  return c.json({ ...entryBody(place, self, "dir"), entries });
}

function kindOf(entry: TreeEntry, submoduleWord: string): string {
  if (entry.type === "tree") return "dir";
  if (entry.type === "commit") return submoduleWord;
  return entry.mode === "120000" ? "symlink" : "file";
}

async function file(c: ApiContext, place: Place, path: string, entry: TreeEntry): Promise<Response> {
  const { limits } = place.world;
  const size = entry.size ?? 0;
  if (size > limits.rawFileBytes) {
    throw new GitHubHttpError(403, "This API returns blobs up to 100 MB in size. The requested blob is too large.", [
      { resource: "Blob", field: "data", code: "too_large" },
    ]);
  }
  if (accepts(c, "raw")) {
    const bytes = new Uint8Array(await readBlob(place.gitDir, entry.sha));
    return c.body(bytes, 200, { "Content-Type": "application/vnd.github.raw+json; charset=utf-8" });
  }
  const inline = size <= limits.inlineFileBytes;
  return c.json({
    ...entryBody(place, { ...entry, path }, "file"),
    content: inline ? base64Lines(await readBlob(place.gitDir, entry.sha)) : "",
    encoding: inline ? "base64" : "none",
  });
}

async function symlinkTarget(place: Place, entry: TreeEntry): Promise<string> {
  return (await readBlob(place.gitDir, entry.sha)).toString("utf8");
}

async function submodule(c: ApiContext, place: Place, entry: TreeEntry): Promise<Response> {
  return c.json({
    ...entryBody(place, entry, "submodule"),
    submodule_git_url: await submoduleUrl(place, entry.path),
  });
}

async function submoduleUrl(place: Place, path: string): Promise<string | null> {
  const modules = await findObject(place.gitDir, `${place.commit}:.gitmodules`);
  if (modules?.type !== "blob") return null;
  const out = await gitIn(place.gitDir, ["config", "--blob", modules.sha, "--list", "-z"]);
  const settings = new Map(out.split("\0").map((line) => line.split("\n") as [string, string]));
  const key = [...settings].find(([name, value]) => name.endsWith(".path") && value === path)?.[0];
  return (key && settings.get(key.replace(/\.path$/, ".url"))) ?? null;
}

function entryBody(place: Place, entry: TreeEntry, type: string) {
  const { world, repository } = place;
  const api = repositoryApiUrl(world, repository);
  const html = repositoryHtmlUrl(world, repository);
  const encoded = entry.path.split("/").map(encodeURIComponent).join("/");
  const url = `${api}/contents/${encoded}?ref=${encodeURIComponent(place.ref)}`;
  const inside = entry.type !== "commit";
  const gitUrl = inside ? `${api}/git/${entry.type}s/${entry.sha}` : null;
  const htmlUrl = inside ? `${html}/${entry.type}/${place.ref}/${encoded}` : null;
  return {
    name: posix.basename(entry.path),
    path: entry.path,
    sha: entry.sha,
    size: entry.size ?? 0,
    url,
    html_url: htmlUrl,
    git_url: gitUrl,
    download_url: entry.type === "blob" ? `${html}/raw/${place.commit}/${encoded}` : null,
    type,
    _links: { self: url, git: gitUrl, html: htmlUrl },
  };
}
