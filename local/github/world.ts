import type { AppendLog } from "../append-log.ts";
import type { Misdelivery } from "../delivery/misdelivery.ts";
import type { StateFile } from "../state-file.ts";
import type { CheckRun, CheckSuite } from "./check-run.ts";
import type { Comment } from "./comment.ts";
import type { CommitStatus } from "./commit-status.ts";
import type { Delivery, DeliveryLog } from "./delivery-log.ts";
import type { Faults } from "./faults.ts";
import type { LedgerEntry, LedgerEvent } from "./ledger.ts";
import type { Limits } from "./limits.ts";
import type { Pull } from "./pull.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { Records } from "./records.ts";
import type { RefLag } from "./ref-lag.ts";
import type { Serial } from "./serial.ts";
import type { GitHubState } from "./state.ts";

/** The App as the twin knows it. */
export interface App {
  id: number;
  slug: string;
  clientId: string;
  privateKeyPem: string;
  /** Every key a JWT of the App may be signed with. */
  publicKeyPems: string[];
  /** What every installation has granted it. */
  permissions: Readonly<Record<string, "read" | "write">>;
  /** What it subscribed to. */
  events: readonly string[];
}

/** Everything a route or a webhook needs. Built once by startGitHub and handed down. */
export interface World {
  dir: string;
  url: string;
  apiUrl: string;
  /** Epoch milliseconds. */
  now(): number;
  app: App;
  /** Personal access tokens → login. */
  personalTokens: ReadonlyMap<string, string>;
  limits: Limits;
  faults: Faults;
  state: StateFile<GitHubState>;
  statuses: AppendLog<CommitStatus>;
  pulls: Records<Pull>;
  comments: Records<Comment>;
  checkSuites: Records<CheckSuite>;
  checkRuns: Records<CheckRun>;
  deliveries: DeliveryLog;
  ledger: AppendLog<LedgerEntry>;
  lag: RefLag;
  rates: RateLimits;
  /** Whether a push needs a token that may write. */
  pushNeedsToken: boolean;
  /** One push at a time per fork network: a push to a fork may move a pull request of its parent. */
  pushes: Serial;
  /** Deliveries under way; aborting ends them, and they are sent again at the next start. */
  stopping: AbortController;
  outgoing: Misdelivery<Delivery>;
}

/** The next id. The caller saves the state. */
export function takeId(world: World): number {
  return world.state.value.nextId++;
}

export function record(world: World, event: LedgerEvent): void {
  world.ledger.append({ at: new Date(world.now()).toISOString(), ...event } as LedgerEntry);
}
