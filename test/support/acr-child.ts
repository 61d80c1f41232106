import { loadCertificate } from "../../local/acr/certificate.ts";
import { startAcr } from "../../local/acr/start-acr.ts";
import { startIdentity } from "../../local/identity/start-identity.ts";
import { FakeEngine, untilStopped } from "./fake-engine.ts";

// A twin in a process of its own, to be killed: its engine never comes back. Says where it is on one line of stdout.
const [dir, blobConnectionString] = process.argv.slice(2) as [string, string];
const engine = new FakeEngine();
engine.onRun = (_request, log, signal) => {
  log("half of the work\n");
  return untilStopped(signal);
};
const identity = await startIdentity({ dir: `${dir}/identity` });
const acr = await startAcr({
  dir: `${dir}/acr`,
  tls: await loadCertificate(`${dir}/tls`),
  identity,
  registryName: "acmeprod",
  loginServer: "127.0.0.1:5000",
  blobConnectionString,
  engine,
});
console.log(JSON.stringify({ url: acr.url, token: identity.issue("https://management.azure.com") }));
