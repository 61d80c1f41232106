import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { StateFile } from "../state-file.ts";

export interface Account {
  id: number;
  login: string;
  /** `Bot` is the App itself, which is in no list of accounts. */
  type: "User" | "Organization" | "Bot";
  /** Of an organization: ids of the people in it. */
  memberIds?: number[];
  /** Of a person's own token. */
  tokenSha256?: string;
}

/** An installation of the App on one account. */
export interface Installation {
  id: number;
  accountId: number;
  createdAt: number;
  updatedAt?: number;
  /** Absent: all repositories of the account, those to come included. */
  repositoryIds?: number[];
  suspendedAt?: number;
  suspendedById?: number;
}

/** What a person may do in a repository, weakest first. https://docs.github.com/organizations/managing-user-access-to-your-organizations-repositories */
export const roles = ["none", "read", "triage", "write", "maintain", "admin"] as const;
export type Role = (typeof roles)[number];

export interface Label {
  id: number;
  name: string;
  color: string;
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
  /** What this was forked from. */
  parentId?: number;
  /** Whose objects this repository shares: the root of its fork network. Absent: its own. */
  networkId?: number;
  archived?: boolean;
  /** Account id → role, the owner apart. */
  collaborators?: Record<string, Role>;
  labels?: Label[];
  /** The next pull request's number, 1 at first. */
  nextNumber?: number;
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
  /** Former `owner/name` in lower case → repository id, for 301. */
  formerNames?: Record<string, number>;
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
