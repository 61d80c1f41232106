import { spawn } from "node:child_process";
import { createHmac, timingSafeEqual } from "node:crypto";
import { Readable } from "node:stream";
import type { Hono } from "hono";
import type { Bindings } from "../../http.ts";
import { gitEnvironment } from "../git.ts";
import { notFound } from "../http-error.ts";
import { resolveCommit } from "../objects.ts";
import { fullNameOf, gitDirOf } from "../repositories.ts";
import { type ApiContext, type ApiEnv, repositoryFor } from "../request.ts";
import type { Repository } from "../state.ts";
import { record, type World } from "../world.ts";

/** A private archive's link is good for 5 minutes. https://docs.github.com/rest/repos/contents#download-a-repository-archive-tar */
const linkLifetimeMs = 5 * 60 * 1000;

/** Where GitHub has another host, `codeload.github.com`, this server has a path. */
const codeload = "/codeload";

export function archiveRoutes(app: Hono<ApiEnv>, world: World): void {
  app.get("/repos/:owner/:repo/tarball", (c) => redirect(world, c, undefined));
  app.get("/repos/:owner/:repo/tarball/:ref{.+}", (c) => redirect(world, c, c.req.param("ref")));
}

async function redirect(world: World, c: ApiContext, ref: string | undefined): Promise<Response> {
  const repository = repositoryFor(world, c, "contents");
  const sha = await resolveCommit(world, repository, ref || repository.defaultBranch);
  if (!sha) throw notFound();
  const expires = world.now() + linkLifetimeMs;
  // A public repository's link lasts for ever, as on GitHub, where it carries no token.
  const query = repository.private ? `?token=${signLink(world, repository, sha, expires)}` : "";
  return c.redirect(`${world.url}${codeload}/${fullNameOf(world, repository)}/legacy.tar.gz/${sha}${query}`, 302);
}

/** Served outside the API: no credentials but the link's own, no rate limit, no ETag. */
export function codeloadRoutes(app: Hono<Bindings>, world: World): void {
  app.get(`${codeload}/:owner/:repo/legacy.tar.gz/:sha{[0-9a-f]+}`, async (c) => {
    const sha = c.req.param("sha");
    const name = `${c.req.param("owner")}/${c.req.param("repo")}`;
    const repository = world.state.value.repositories.find((each) => fullNameOf(world, each) === name);
    if (!repository || !linkIsGood(world, repository, sha, c.req.query("token"))) throw notFound();
    if ((await resolveCommit(world, repository, sha)) !== sha) throw notFound();
    record(world, { kind: "archive-served", repository: name, sha });
    const folder = `${name.replace("/", "-")}-${sha.slice(0, 7)}`;
    const args = ["--git-dir", gitDirOf(world, repository), "archive", "--format=tar.gz", `--prefix=${folder}/`, sha];
    const child = spawn("git", args, { env: gitEnvironment(), stdio: ["ignore", "pipe", "ignore"] });
    return c.body(Readable.toWeb(child.stdout) as ReadableStream, 200, {
      "Content-Type": "application/x-gzip",
      "Content-Disposition": `attachment; filename=${folder}.tar.gz`,
    });
  });
}

function signLink(world: World, repository: Repository, sha: string, expires: number): string {
  const mac = createHmac("sha256", world.state.value.seed).update(`archive ${repository.id} ${sha} ${expires}`);
  return `${expires.toString(36)}-${mac.digest("hex").slice(0, 32)}`;
}

function linkIsGood(world: World, repository: Repository, sha: string, token: string | undefined): boolean {
  if (!repository.private) return true;
  const expires = Number.parseInt(token ?? "", 36);
  if (!(expires >= world.now())) return false;
  const expected = Buffer.from(signLink(world, repository, sha, expires));
  const given = Buffer.from(token ?? "");
  return given.length === expected.length && timingSafeEqual(given, expected);
}
