import type { Context, Hono } from "hono";
import type { Bindings } from "../../http.ts";
import { accountByLogin } from "../account-body.ts";
import { createAccount } from "../accounts.ts";
import { setFaults } from "../faults.ts";
import { textField } from "../fields.ts";
import { GitHubHttpError } from "../http-error.ts";
import { install } from "../install.ts";
import { createRepository } from "../make-repository.ts";
import { repositoryBody } from "../repository-body.ts";
import { setDraft } from "../set-draft.ts";
import type { World } from "../world.ts";
import { requestAction } from "./check-routes.ts";

const root = "/_twin";

/**
 * What GitHub has no API for, for referees and other languages: faults, the ledger, accounts, and what people do on its
 * pages. A page in a browser cannot use it: browsers send Origin with anything that changes something.
 */
export function adminRoutes(app: Hono<Bindings>, world: World, token?: string): void {
  app.use(`${root}/*`, async (c, next) => {
    if (c.req.header("origin") !== undefined) throw new GitHubHttpError(403, "not for web pages");
    if (token !== undefined && c.req.header("authorization") !== `Bearer ${token}`)
      throw new GitHubHttpError(401, "the admin token of endpoints.json is needed");
    await next();
  });
  app.get(`${root}/faults`, (c) => c.json(world.faults));
  app.patch(`${root}/faults`, async (c) => {
    const wanted = await objectIn(c);
    attempt(() => setFaults(world.faults, wanted));
    if (world.faults.reverse === 0) world.outgoing.release();
    return c.json(world.faults);
  });
  app.get(`${root}/ledger`, (c) => c.json(world.ledger.entries.slice(Number(c.req.query("after") ?? 0))));
  app.post(`${root}/accounts`, async (c) => {
    const { login, type, memberOf, installed } = await objectIn(c);
    const { account, token } = attempt(() =>
      createAccount(world, String(login), {
        ...(type === "Organization" ? { type } : {}),
        ...(Array.isArray(memberOf) ? { memberOf: memberOf.map(String) } : {}),
        installed: installed === true,
      }),
    );
    return c.json({ id: account.id, login: account.login, token }, 201);
  });
  app.post(`${root}/repositories`, async (c) => {
    const wanted = await objectIn(c);
    const fullName = textField("Repository", wanted, "full_name") ?? "";
    const repository = await createRepository(world, fullName, { private: wanted.private === true }).catch(refuse);
    return c.json(repositoryBody(world, repository), 201);
  });
  app.post(`${root}/installations`, async (c) => {
    const { login, repositories } = await objectIn(c);
    const names = Array.isArray(repositories) ? repositories.map(String) : "all";
    return c.json({ id: attempt(() => install(world, String(login), names)).id }, 201);
  });
  app.post(`${root}/check-runs/:id{[0-9]+}/actions`, async (c) => {
    const { identifier, login } = await objectIn(c);
    const run = world.checkRuns.get(Number(c.req.param("id")));
    const sender = accountByLogin(world, String(login));
    if (!run || !sender) throw new GitHubHttpError(404, "Not Found");
    attempt(() => requestAction(world, run, String(identifier), sender));
    return c.body(null, 204);
  });
  app.post(`${root}/repositories/:owner/:repo/pulls/:number{[0-9]+}/draft`, async (c) => {
    const { owner, repo, number } = c.req.param();
    const { draft, login } = await objectIn(c);
    const sender = accountByLogin(world, String(login));
    if (!sender) throw new GitHubHttpError(404, "Not Found");
    attempt(() => setDraft(world, `${owner}/${repo}`, Number(number), draft === true, sender));
    return c.body(null, 204);
  });
}

async function objectIn(c: Context): Promise<Record<string, unknown>> {
  const value: unknown = await c.req.json().catch(() => undefined);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new GitHubHttpError(400, "the body is no JSON object");
}

/** Everything thrown below is about the request. */
function attempt<T>(task: () => T): T {
  try {
    return task();
  } catch (error) {
    return refuse(error);
  }
}

function refuse(error: unknown): never {
  if (error instanceof GitHubHttpError) throw error;
  throw new GitHubHttpError(422, (error as Error).message);
}
