import { generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { readSettings, type Settings } from "../../src/settings.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pkcs1 = privateKey.export({ type: "pkcs1", format: "pem" }).toString();

const valid = {
  SlipwayStorage: "UseDevelopmentStorage=true",
  SLIPWAY_GITHUB_WEBHOOK_SECRET: "a-secret-of-some-length",
  SLIPWAY_GITHUB_TOKEN: "github_pat_11AAAA",
};

function settingsOf(env: Record<string, string | undefined>): Settings {
  const read = readSettings(env);
  if (!read.ok) throw new Error(read.problems.join("; "));
  return read.settings;
}
function problemsOf(env: Record<string, string | undefined>): readonly string[] {
  const read = readSettings(env);
  return read.ok ? [] : read.problems;
}

describe("readSettings", () => {
  test("fills in the defaults", () => {
    expect(settingsOf(valid)).toMatchObject({
      githubApiUrl: "https://api.github.com",
      armEndpoint: "https://management.azure.com",
      publicUrl: undefined,
      managedIdentity: false,
      azureClientId: undefined,
    });
  });

  test("tells every problem at once, and no values", () => {
    const problems = problemsOf({
      SLIPWAY_GITHUB_WEBHOOK_SECRET: "too-short",
      SLIPWAY_GITHUB_APP_ID: "12",
      SLIPWAY_GITHUB_APP_PRIVATE_KEY: "-----BEGIN hunter2",
      SLIPWAY_GITHUB_API_URL: "http://ghe.example.com/api/v3",
      SLIPWAY_ARM_ENDPOINT: "https://user:hunter2@management.azure.com",
    });
    for (const name of [
      "SlipwayStorage",
      "SLIPWAY_GITHUB_WEBHOOK_SECRET",
      "SLIPWAY_GITHUB_APP_PRIVATE_KEY",
      "SLIPWAY_GITHUB_API_URL",
      "SLIPWAY_ARM_ENDPOINT",
    ])
      expect(problems.filter((problem) => problem.startsWith(name))).toHaveLength(1);
    expect(problems).toHaveLength(5);
    expect(problems.join()).not.toMatch(/hunter2|too-short/);
  });

  test("prints no secret", () => {
    const settings = settingsOf({ ...valid, SLIPWAY_GITHUB_WEBHOOK_SECRET_PREVIOUS: "another-secret-of-length" });
    for (const shown of [JSON.stringify(settings), inspect(settings, { depth: 9 }), `${settings.webhookSecrets}`]) {
      expect(shown).toContain("***");
      expect(shown).not.toMatch(/a-secret|another-secret|github_pat|UseDevelopment/);
    }
    expect(settings.webhookSecrets.map((secret) => secret.expose())).toEqual([
      "a-secret-of-some-length",
      "another-secret-of-length",
    ]);
  });

  describe("storage", () => {
    const uris = {
      SlipwayStorage__queueServiceUri: "https://acme.queue.core.windows.net/",
      SlipwayStorage__tableServiceUri: "https://acme.table.core.windows.net",
      SlipwayStorage__blobServiceUri: "https://acme.blob.core.windows.net",
    };
    test("an exact setting wins over the parts", () => {
      expect(settingsOf({ ...valid, ...uris }).storage).toMatchObject({ kind: "connection-string" });
    });
    test("the parts name an identity", () => {
      const parts = {
        ...uris,
        SlipwayStorage__credential: "managedidentity",
        SlipwayStorage__clientId: "0a1b",
      };
      expect(settingsOf({ ...valid, SlipwayStorage: "", ...parts }).storage).toEqual({
        kind: "identity",
        queueServiceUri: "https://acme.queue.core.windows.net",
        tableServiceUri: "https://acme.table.core.windows.net",
        blobServiceUri: "https://acme.blob.core.windows.net",
        clientId: "0a1b",
      });
    });
    test("names the part that is missing", () => {
      const { SlipwayStorage__blobServiceUri, ...two } = uris;
      expect(problemsOf({ ...valid, SlipwayStorage: undefined, ...two })).toEqual([
        "SlipwayStorage__blobServiceUri is not set",
      ]);
    });
    test("knows no other credential", () => {
      const parts = { ...uris, SlipwayStorage__credential: "password" };
      expect(problemsOf({ ...valid, SlipwayStorage: undefined, ...parts })).toHaveLength(1);
    });
  });

  describe("GitHub", () => {
    test("an App's key may have its line breaks escaped", () => {
      const env = {
        ...valid,
        SLIPWAY_GITHUB_TOKEN: undefined,
        SLIPWAY_GITHUB_APP_ID: "42",
        SLIPWAY_GITHUB_APP_PRIVATE_KEY: pkcs1.replaceAll("\n", "\\n"),
      };
      const { github } = settingsOf(env);
      expect(github).toMatchObject({ kind: "app", appId: "42" });
      expect(github.kind === "app" && github.privateKey.expose()).toBe(pkcs1);
    });
    test.each([
      ["neither", { SLIPWAY_GITHUB_TOKEN: "" }],
      ["both", { SLIPWAY_GITHUB_APP_ID: "42", SLIPWAY_GITHUB_APP_PRIVATE_KEY: pkcs1 }],
      ["half an App", { SLIPWAY_GITHUB_TOKEN: "", SLIPWAY_GITHUB_APP_ID: "42" }],
    ])("refuses %s", (_what, change) => {
      expect(problemsOf({ ...valid, ...change })).toHaveLength(1);
    });
    test("no webhook secret: none, so that every delivery is refused", () => {
      expect(settingsOf({ ...valid, SLIPWAY_GITHUB_WEBHOOK_SECRET: "" }).webhookSecrets).toEqual([]);
    });
    test("a previous secret alone is a mistake", () => {
      const change = { SLIPWAY_GITHUB_WEBHOOK_SECRET: "", SLIPWAY_GITHUB_WEBHOOK_SECRET_PREVIOUS: "x".repeat(16) };
      expect(problemsOf({ ...valid, ...change })).toHaveLength(1);
    });
  });

  describe("registries", () => {
    const key = "a-key-that-is-long-enough";
    test("each sender of events has its own key, and the one before it", () => {
      const { eventKeys } = settingsOf({
        ...valid,
        SLIPWAY_ACR_WEBHOOK_KEY: key,
        SLIPWAY_EVENT_GRID_KEY: `${key}-2`,
        SLIPWAY_EVENT_GRID_KEY_PREVIOUS: `${key}-1`,
      });
      const shown = Object.entries(eventKeys).map(([sender, keys]) => [sender, ...keys.map((one) => one.expose())]);
      expect(shown).toEqual([["acr-webhook", key], ["event-grid", `${key}-2`, `${key}-1`], ["cloud-events"]]);
    });
    test.each([
      ["a short key", { SLIPWAY_CLOUD_EVENTS_KEY: "short" }, "SLIPWAY_CLOUD_EVENTS_KEY"],
      ["a previous key alone", { SLIPWAY_ACR_WEBHOOK_KEY_PREVIOUS: key }, "SLIPWAY_ACR_WEBHOOK_KEY_PREVIOUS"],
      ["no user", { SLIPWAY_REGISTRY_HUB: ":hunter2" }, "SLIPWAY_REGISTRY_HUB"],
      ["no password", { SLIPWAY_REGISTRY_HUB: "hunter2:" }, "SLIPWAY_REGISTRY_HUB"],
      ["neither", { SLIPWAY_REGISTRY_HUB: "hunter2" }, "SLIPWAY_REGISTRY_HUB"],
    ])("refuses %s, without telling it", (_what, change, name) => {
      const problems = problemsOf({ ...valid, ...change });
      expect(problems).toEqual([expect.stringContaining(name)]);
      expect(problems.join()).not.toMatch(/hunter2|long-enough/);
    });
    test("a registry's password may hold colons, and is not printed", () => {
      const settings = settingsOf({ ...valid, SLIPWAY_REGISTRY_HUB: "joe:hunter2:and:more" });
      const { username, password } = settings.registryCredentials.get("SLIPWAY_REGISTRY_HUB")!;
      expect([username, password.expose()]).toEqual(["joe", "hunter2:and:more"]);
      expect(inspect(settings, { depth: 9 })).not.toContain("hunter2");
    });
  });

  describe("endpoints", () => {
    test.each([
      "http://127.0.0.1:8080",
      "http://localhost:8080",
      "http://[::1]:8080",
      "https://ghe.example.com/api/v3/",
    ])("takes %s", (url) => {
      expect(settingsOf({ ...valid, SLIPWAY_GITHUB_API_URL: url }).githubApiUrl).toBe(url.replace(/\/$/, ""));
    });
    test.each([
      "http://10.0.0.1",
      "http://127.0.0.1.example.com",
      "ftp://localhost",
      "nonsense",
      "https://a@b",
      "https://a/?x=1",
    ])("refuses %s", (url) => {
      expect(problemsOf({ ...valid, SLIPWAY_GITHUB_API_URL: url })).toHaveLength(1);
    });
    test("links go to the host's own name unless told otherwise", () => {
      expect(settingsOf({ ...valid, WEBSITE_HOSTNAME: "slipway.azurewebsites.net" }).publicUrl).toBe(
        "https://slipway.azurewebsites.net/api",
      );
      expect(settingsOf({ ...valid, WEBSITE_HOSTNAME: "localhost:7071" }).publicUrl).toBe("http://localhost:7071/api");
      expect(settingsOf({ ...valid, SLIPWAY_PUBLIC_URL: "https://builds.acme.example/" }).publicUrl).toBe(
        "https://builds.acme.example",
      );
    });
    test("a managed identity is there when the host says so", () => {
      const env = { ...valid, IDENTITY_ENDPOINT: "http://127.0.0.1:4141/msi/token", AZURE_CLIENT_ID: "0a1b" };
      expect(settingsOf(env)).toMatchObject({ managedIdentity: true, azureClientId: "0a1b" });
    });
  });
});
