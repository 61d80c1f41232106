import { BuiltInEngine } from "../../../local/engine/built-in/built-in-engine.ts";
import { describeEngine } from "./engine-contract.ts";
import { canSandbox } from "./support.ts";

describeEngine("built-in engine", (registry, scratchDir) => new BuiltInEngine(registry, scratchDir), {
  commands: canSandbox ? undefined : "Linux namespaces",
});
