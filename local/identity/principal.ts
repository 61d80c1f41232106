import { randomBytes, randomUUID } from "node:crypto";

/** A managed identity, by the three names a caller may use for it. */
export interface Principal {
  readonly clientId: string;
  readonly objectId: string;
  /** ARM id; only user-assigned identities have one. */
  readonly resourceId?: string;
}

/** What has to survive a restart: tokens already handed out stay good, and a child keeps its header secret. */
export interface IdentityState {
  readonly tenantId: string;
  readonly signingKey: string;
  readonly headerSecret: string;
  readonly systemAssigned: Principal;
  readonly userAssigned: readonly Principal[];
}

export function newIdentityState(userAssigned: readonly Principal[]): IdentityState {
  return {
    tenantId: randomUUID(),
    signingKey: randomBytes(32).toString("hex"),
    headerSecret: randomUUID().toUpperCase(),
    systemAssigned: { clientId: randomUUID(), objectId: randomUUID() },
    userAssigned,
  };
}

export interface PrincipalQuery {
  readonly clientId?: string;
  readonly objectId?: string;
  readonly resourceId?: string;
}

/** Without any name the system-assigned identity is meant. An unknown name is undefined: App Service refuses it. */
export function findPrincipal(state: IdentityState, query: PrincipalQuery): Principal | undefined {
  const { clientId, objectId, resourceId } = query;
  if (!clientId && !objectId && !resourceId) return state.systemAssigned;
  return [state.systemAssigned, ...state.userAssigned].find(
    (principal) =>
      (clientId !== undefined && same(principal.clientId, clientId)) ||
      (objectId !== undefined && same(principal.objectId, objectId)) ||
      (resourceId !== undefined && same(principal.resourceId, resourceId)),
  );
}

function same(own: string | undefined, asked: string): boolean {
  return own?.toLowerCase() === asked.toLowerCase();
}
