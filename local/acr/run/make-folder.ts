import { chmod, mkdir } from "node:fs/promises";

/** A new folder as root has it on ACR's machine, 0755, whatever our process's umask is: its mode ends up in images. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path);
  await chmod(path, 0o755);
}
