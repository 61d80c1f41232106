import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";
import { until } from "../support/scenario-until.ts";

const scenario = useScenario();

test("an image outside what the source repository may publish is not built, and both the decision and the commit say so", async () => {
  const story = await scenario.story("outside");
  const commit = await story.push({ web: {} });
  await story.decision(commit);
  await scenario.rest();
  const yaml = `version: 1
images:
  web: { repository: platform/outside/web, context: images/web, registry: local }
  theirs: { repository: payments/api, context: images/web, registry: local }
`;
  const second = await story.pushFiles({ "slipway.yaml": yaml });
  const decision = await story.decision(second);
  await scenario.rest();
  expect(decision.skipped).toContainEqual(
    expect.objectContaining({
      reason: "not-allowed-to-publish",
      images: ["theirs"],
      message: "demo/outside may not publish to local/payments/api",
    }),
  );
  expect(story.statuses(second)["slipway/theirs"]).toEqual({
    state: "failure",
    description: "demo/outside may not publish to local/payments/api",
  });
  expect(await story.runs({ image: "theirs" })).toEqual([]);
  expect(scenario.tags("payments/api")).toEqual([]);
});

test("a source repository that no rule names costs no call to GitHub or ACR, and the decision says so", async () => {
  const { github, acr } = scenario.twin;
  const repository = await github.createRepository("stranger/thing");
  const story = await scenario.story("unused");
  const before = { ledger: github.ledger().length, acr: acr.ledger().length };
  const delivery = await scenario.deliver(
    JSON.stringify({
      ref: "refs/heads/main",
      before: "0".repeat(40),
      after: "1".repeat(40),
      created: true,
      deleted: false,
      forced: false,
      commits: [],
      repository: { id: repository.id, full_name: repository.fullName },
      sender: { login: "somebody" },
    }),
    { guid: "11111111-2222-3333-4444-555555555555" },
  );
  expect(delivery.status).toBe(202);
  const decision = await until("it is decided", () => story.decisionOf("11111111-2222-3333-4444-555555555555"));
  expect(decision).toMatchObject({
    plannedCount: 0,
    skipped: [{ reason: "source-not-allowed", message: "no publish rule allows stranger/thing" }],
  });
  expect(
    github
      .ledger()
      .slice(before.ledger)
      .filter((e) => e.kind !== "repository-created"),
  ).toEqual([]);
  expect(acr.ledger()).toHaveLength(before.acr);
});
