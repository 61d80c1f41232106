import { readSmallFile } from "../context/read-small-file.ts";
import { EngineError } from "../engine.ts";

interface UserIds {
  readonly uid: number;
  readonly gid: number;
  /** Others that the user is in. */
  readonly groups: readonly number[];
  readonly home?: string;
}

/** Reads `user`, `user:group`, `uid` or `uid:gid` by the image's own /etc/passwd and /etc/group. A group given is the only one. */
export async function findUser(root: string, text: string): Promise<UserIds> {
  const [user = "", group] = text.split(":");
  const accounts = await readTable(root, "/etc/passwd");
  const account = accounts.find(([name, , uid]) => name === user || uid === user);
  const uid = isId(user) ? Number(user) : Number(account?.[2] ?? unknown("user", user));
  const home = account?.[5];
  const known = await readTable(root, "/etc/group");
  if (group === undefined || group === "") {
    const others = known.filter(([, , , members]) => account && members?.split(",").includes(account[0]!));
    const groups = others.flatMap(([, , gid]) => (isId(gid ?? "") ? [Number(gid)] : []));
    return { uid, gid: Number(account?.[3] ?? 0), groups, home };
  }
  if (isId(group)) return { uid, gid: Number(group), groups: [], home };
  const found = known.find(([name]) => name === group);
  return { uid, gid: Number(found?.[2] ?? unknown("group", group)), groups: [], home };
}

function isId(text: string): boolean {
  return /^\d{1,10}$/.test(text);
}

async function readTable(root: string, path: string): Promise<string[][]> {
  const text = await readSmallFile(root, path);
  return (text ?? "").split("\n").map((line) => line.split(":"));
}

function unknown(kind: string, name: string): never {
  throw new EngineError(`the image has no ${kind} ${JSON.stringify(name)}`);
}
