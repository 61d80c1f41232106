import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { StateFile } from "../state-file.ts";

export interface Account {
  id: number;
  login: string;
  type: "User" | "Organization";
}

/** An installation of the App on one account, for all its repositories. */
export interface Installation {
  id: number;
  accountId: number;
  createdAt: number;
}

export interface Repository {
  id: number;
  ownerId: number;
  name: string;
  private: boolean;
  defaultBranch: string;
  description: string | null;
  createdAt: number;
  updatedAt: number;
  pushedAt: number;
  /**
   * Full ref name → object id, as last announced. The bare repository may be ahead of this after a crash; whatever differs
   * is what nobody has been told yet.
   */
  refs: Record<string, string>;
}

export interface Hook {
  id: number;
  url: string;
  secret: string;
  createdAt: number;
  updatedAt: number;
}

/** An installation token as the server remembers it: its digest, never itself. */
export interface IssuedToken {
  sha256: string;
  installationId: number;
  permissions: Record<string, string>;
  /** Undefined: every repository of the installation. */
  repositoryIds?: number[];
  expiresAt: number;
}

export interface GitHubState {
  version: 1;
  /** The next id of anything. One sequence for all kinds, so that no two things are mistaken for each other. */
  nextId: number;
  /** Key for short-lived links and delivery GUIDs; it makes both survive a restart. */
  seed: string;
  hook: Hook | null;
  accounts: Account[];
  installations: Installation[];
  repositories: Repository[];
  tokens: IssuedToken[];
}

/** The person a push without credentials is put down to. */
export const anonymousPusher = "developer";

/** Times are epoch milliseconds throughout. */
export function openState(dir: string): StateFile<GitHubState> {
  return new StateFile<GitHubState>(join(dir, "github.json"), () => ({
    version: 1,
    nextId: 1001,
    seed: randomBytes(32).toString("hex"),
    hook: null,
    accounts: [],
    installations: [],
    repositories: [],
    tokens: [],
  }));
}
