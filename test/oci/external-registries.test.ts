import { expect, test } from "vitest";
import { externalRegistries } from "../../src/oci/external-registries.ts";
import { Secret } from "../../src/secret.ts";

const hub = { host: "docker.io", tokenHosts: ["auth.example.com"], credentialSetting: "SLIPWAY_REGISTRY_HUB" };
const password = new Secret("hunter2");
const credentials = new Map([["SLIPWAY_REGISTRY_HUB", { username: "joe", password }]]);

test("only what is listed may be asked, whatever a Dockerfile names", () => {
  const { isListed } = externalRegistries([{ host: "ghcr.io", tokenHosts: [] }], new Map());
  const asked = ["ghcr.io", "docker.io", "ghcr.io.example.com", "ghcr.io:8080", "169.254.169.254", "localhost"];
  expect(asked.filter(isListed)).toEqual(["ghcr.io"]);
});

test("a credential is shown to the host it is for, under the name its API has, and to no other", () => {
  const { credential } = externalRegistries([hub, { host: "ghcr.io", tokenHosts: [] }], credentials);
  expect(credential("registry-1.docker.io")).toEqual({
    kind: "password",
    username: "joe",
    password,
  });
  for (const other of ["ghcr.io", "docker.io", "auth.example.com"]) expect(credential(other)).toBeUndefined();
});

test("a registry may send us to the token hosts that are listed for it, with a credential or without", () => {
  const anonymous = { host: "ghcr.io", tokenHosts: ["tokens.example.com"] };
  const { tokenHosts } = externalRegistries([hub, anonymous], credentials);
  const asked = ["registry-1.docker.io", "ghcr.io", "quay.io"];
  expect(asked.map(tokenHosts)).toEqual([["auth.example.com"], ["tokens.example.com"], []]);
});

test("a credential that is named and not set stops the start: nobody is asked anonymously instead", () => {
  expect(() => externalRegistries([hub], new Map())).toThrow(/docker\.io the setting SLIPWAY_REGISTRY_HUB.*not set/);
});
