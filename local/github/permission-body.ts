import { atLeast } from "./roles.ts";
import type { Role } from "./state.ts";

/** The older word, which knows neither maintain nor triage. https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user */
export function permissionWord(role: Role): "admin" | "write" | "read" | "none" {
  if (role === "maintain") return "write";
  return role === "triage" ? "read" : role;
}

export function flagsOf(role: Role) {
  return {
    admin: role === "admin",
    maintain: atLeast(role, "maintain"),
    push: atLeast(role, "write"),
    triage: atLeast(role, "triage"),
    pull: atLeast(role, "read"),
  };
}
