import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export function appKeyPath(dir: string): string {
  return join(dir, "app.private-key.pem");
}

/** The App's RSA key, made once and kept under `dir`, in the PKCS#1 form GitHub lets people download. */
export function loadAppKey(dir: string): { privateKeyPem: string; publicKeyPem: string } {
  const path = appKeyPath(dir);
  let privateKeyPem: string;
  try {
    privateKeyPem = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    privateKeyPem = privateKey.export({ type: "pkcs1", format: "pem" }) as string;
    mkdirSync(dir, { recursive: true });
    writeFileSync(`${path}.next`, privateKeyPem, { mode: 0o600 });
    renameSync(`${path}.next`, path);
  }
  const publicKeyPem = createPublicKey(privateKeyPem).export({ type: "spki", format: "pem" }) as string;
  return { privateKeyPem, publicKeyPem };
}
