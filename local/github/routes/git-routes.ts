import { spawn } from "node:child_process";
import { join } from "node:path";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Context, Hono } from "hono";
import type { Bindings } from "../../http.ts";
import { actorOf, identifyCaller, mayUse } from "../access.ts";
import { announceRefs } from "../announce.ts";
import type { Caller } from "../caller.ts";
import { gitEnvironment } from "../git.ts";
import { findRepository, formerly, fullNameOf, networkIdOf } from "../repositories.ts";
import { repositoryHtmlUrl } from "../repository-body.ts";
import type { Repository } from "../state.ts";
import type { World } from "../world.ts";

/**
 * Git's smart HTTP protocol, by Git's own `http-backend` as CGI. A push is done when its refs have been announced, so that
 * who has pushed also sees the new refs in the API; one push at a time per repository, so that each is announced as itself.
 */
export function gitRoutes(app: Hono<Bindings>, world: World): void {
  app.get("/:owner/:repo/info/refs", (c) => serve(world, c, "info/refs"));
  app.post("/:owner/:repo/git-upload-pack", (c) => serve(world, c, "git-upload-pack"));
  app.post("/:owner/:repo/git-receive-pack", (c) => serve(world, c, "git-receive-pack"));
}

async function serve(world: World, c: Context<Bindings>, service: string): Promise<Response> {
  const owner = c.req.param("owner") ?? "";
  const name = (c.req.param("repo") ?? "").replace(/\.git$/, "");
  const repository = findRepository(world, owner, name);
  const caller = identifyCaller(world, c.req.header("authorization"));
  const pushing = service === "git-receive-pack" || c.req.query("service") === "git-receive-pack";
  const now = repository ? undefined : formerly(world, owner, name);
  if (now && service === "info/refs" && mayUse(world, caller, now, "contents", "read")) {
    return c.redirect(`${repositoryHtmlUrl(world, now)}.git/info/refs${new URL(c.req.url).search}`, 301);
  }
  if (!repository || caller.kind === "refused") return refuse(c, caller);
  if (pushing) {
    const reason = whyNoPush(world, caller, repository);
    if (reason === "credentials") return refuse(c, caller);
    if (reason) return c.text(reason, 403);
  } else if (!mayUse(world, caller, repository, "contents", "read")) return refuse(c, caller);
  if (service !== "git-receive-pack") {
    await runBackend(world, c, repository, service, async () => undefined);
    return RESPONSE_ALREADY_SENT;
  }
  await world.pushes.run(networkIdOf(repository), async () => {
    // What somebody did to the bare repository directly is not part of this push.
    await announceRefs(world, repository);
    const sender = actorOf(world, caller);
    await runBackend(world, c, repository, service, async () => {
      await announceRefs(world, repository, sender);
    });
  });
  return RESPONSE_ALREADY_SENT;
}

/**
 * Unless tokens are asked for, a push needs no credentials: everybody who reaches a loopback port is at home, and so is
 * the App. A person's token is held to what that person may do, always.
 */
function whyNoPush(world: World, caller: Caller, repository: Repository): string | undefined {
  if (world.pushNeedsToken && caller.kind === "anonymous") return "credentials";
  const asked = world.pushNeedsToken || caller.kind === "user";
  if (asked && !mayUse(world, caller, repository, "contents", "write")) {
    const { login } = actorOf(world, caller);
    return `Permission to ${fullNameOf(world, repository)}.git denied to ${login}.`;
  }
  return repository.archived ? "This repository was archived so it is read-only." : undefined;
}

/** GitHub asks for credentials whether the repository is hidden or missing. */
function refuse(c: Context<Bindings>, caller: Caller): Response {
  if (caller.kind === "anonymous" || caller.kind === "refused") {
    return c.text("Authentication required.", 401, { "WWW-Authenticate": 'Basic realm="GitHub"' });
  }
  return c.text("Repository not found.", 404);
}

/** Runs the CGI program and streams both ways. `finish` runs when Git is done and before the client is told so. */
function runBackend(
  world: World,
  c: Context<Bindings>,
  repository: Repository,
  service: string,
  finish: () => Promise<void>,
): Promise<void> {
  const { incoming, outgoing } = c.env;
  const child = spawn("git", ["http-backend"], { env: cgiEnvironment(world, c, repository, service) });
  // The child ends by itself when its input does; a client that has gone must not take the announcement with it.
  child.stdin.on("error", () => incoming.resume());
  incoming.on("close", () => child.stdin.end());
  incoming.pipe(child.stdin);
  child.stderr.resume();

  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    let headSent = false;
    child.stdout.on("data", (chunk: Buffer) => {
      if (!headSent) {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        headSent = true;
        writeHead(outgoing, head.subarray(0, end).toString("latin1"));
        chunk = head.subarray(end + 4);
      }
      if (outgoing.destroyed || outgoing.write(chunk)) return;
      child.stdout.pause();
      const go = () => child.stdout.resume();
      outgoing.once("drain", go);
      outgoing.once("close", go);
    });
    child.once("error", reject);
    child.once("close", () => {
      finish()
        .then(() => {
          if (!headSent) outgoing.writeHead(500);
          outgoing.end();
          resolve();
        })
        .catch((error) => {
          outgoing.destroy();
          reject(error);
        });
    });
  });
}

function cgiEnvironment(
  world: World,
  c: Context<Bindings>,
  repository: Repository,
  service: string,
): NodeJS.ProcessEnv {
  const { headers, method = "GET" } = c.env.incoming;
  const variables: Record<string, string | undefined> = {
    GIT_PROJECT_ROOT: join(world.dir, "repositories"),
    GIT_HTTP_EXPORT_ALL: "1",
    PATH_INFO: `/${repository.id}.git/${service}`,
    REQUEST_METHOD: method,
    QUERY_STRING: new URL(c.req.url).search.slice(1),
    CONTENT_TYPE: headers["content-type"],
    CONTENT_LENGTH: headers["content-length"],
    HTTP_CONTENT_ENCODING: headers["content-encoding"],
    GIT_PROTOCOL: headers["git-protocol"] as string | undefined,
    REMOTE_USER: "local",
    REMOTE_ADDR: "127.0.0.1",
  };
  const given = Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return gitEnvironment(Object.fromEntries(given));
}

function writeHead(outgoing: Context<Bindings>["env"]["outgoing"], head: string): void {
  const lines = head.split("\r\n").map((line) => /^([^:]+):\s*(.*)$/.exec(line) ?? []);
  const status = lines.find(([, name]) => name?.toLowerCase() === "status")?.[2];
  for (const [, name, value] of lines) {
    if (name && value && name.toLowerCase() !== "status") outgoing.setHeader(name, value);
  }
  outgoing.writeHead(status ? Number.parseInt(status, 10) : 200);
}
