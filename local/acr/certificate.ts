import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generate } from "selfsigned";

export interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** A PEM file for `NODE_EXTRA_CA_CERTS`, which Node reads once, when a process starts. */
  readonly caPath: string;
}

const lifetimeInDays = 825;
const renewWithinMs = 7 * 24 * 60 * 60 * 1000;

/**
 * A self-signed certificate for 127.0.0.1 and localhost, made once and kept under `dir`. It is its own CA, so that
 * trusting it means trusting nothing else; the key never leaves the directory.
 */
export async function loadCertificate(dir: string): Promise<Certificate> {
  mkdirSync(dir, { recursive: true });
  const keyPath = join(dir, "twin-key.pem");
  const caPath = join(dir, "twin-ca.pem");
  if (!isUsable(keyPath, caPath)) await writeNew(keyPath, caPath);
  return { key: readFileSync(keyPath, "utf8"), cert: readFileSync(caPath, "utf8"), caPath };
}

function isUsable(keyPath: string, caPath: string): boolean {
  if (!existsSync(keyPath) || !existsSync(caPath)) return false;
  const certificate = new X509Certificate(readFileSync(caPath));
  return Date.parse(certificate.validTo) - Date.now() > renewWithinMs;
}

async function writeNew(keyPath: string, caPath: string): Promise<void> {
  const notAfterDate = new Date(Date.now() + lifetimeInDays * 24 * 60 * 60 * 1000);
  const made = await generate([{ name: "commonName", value: "Slipway local twin" }], {
    keyType: "ec",
    algorithm: "sha256",
    notAfterDate,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", digitalSignature: true, keyCertSign: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  // The certificate goes last: a crash in between leaves no pair, and the next start makes a new one.
  writeAtomically(keyPath, made.private, 0o600);
  writeAtomically(caPath, made.cert, 0o644);
}

function writeAtomically(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.next`, text, { mode });
  renameSync(`${path}.next`, path);
}
