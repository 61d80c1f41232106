import { expect, test } from "vitest";
import { dependencyYaml } from "../../../../local/acr/run/dependency-list.ts";
import { requireReference } from "../../../../local/acr/task/scan-dependencies.ts";

test("the list of dependencies is laid out as ACR's, lists as far out as their names", () => {
  const image = { ...requireReference("r.azurecr.io/app:v1"), digest: "sha256:a" };
  const runtime = requireReference("node:20");
  const text = dependencyYaml([{ image, runtime, buildtime: [requireReference("r.azurecr.io/sdk:8")], commit: "c" }]);
  expect(text).toBe(`- image:
    registry: r.azurecr.io
    repository: app
    tag: v1
    digest: sha256:a
  runtime-dependency:
    registry: registry.hub.docker.com
    repository: library/node
    tag: "20"
    digest: ""
  buildtime-dependency:
  - registry: r.azurecr.io
    repository: sdk
    tag: "8"
    digest: ""
  git:
    git-head-revision: c
`);
});
