import { type ImageDefinition, slipwayYamlPath } from "./definition.ts";
import { compilePatterns } from "./pattern.ts";

/**
 * Tells which files of the source repository go into an image: those under its context (the Dockerfile is one of them), then `on.push.paths` in order,
 * each adding files or, with `!`, taking them away. Paths are relative to the root, without a leading slash.
 * slipway.yaml never counts: its definitions are compared one by one, so that changing one image does not rebuild its neighbours.
 */
export function inputPaths(definition: ImageDefinition): (path: string) => boolean {
  const prefix = definition.context === "" ? "" : `${definition.context}/`;
  const isInput = compilePatterns(definition.on.push?.paths ?? [], (path) => path.startsWith(prefix));
  return (path) => path !== slipwayYamlPath && isInput(path);
}
