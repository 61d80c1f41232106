import { isAbsolute, join } from "node:path";
import type { Suggestion } from "../screen/view.ts";
import { shellWord } from "../shell-words.ts";

/**
 * What a newcomer can do once the images are built; every line can be pasted into a shell, and is short enough for
 * 80 columns.
 */
export function suggestions(place: {
  readonly cloneUrl: string;
  readonly api: string;
  readonly registry: string;
  /** As people would type it from where they are. */
  readonly dir: string;
}): readonly Suggestion[] {
  const { cloneUrl, api, registry, dir } = place;
  const endpoints = join(dir, "endpoints.json");
  const file = isAbsolute(endpoints) ? endpoints : `./${endpoints}`;
  return [
    {
      title: "Change an image: tools is rebuilt, then what stands on it",
      lines: [
        `git clone ${cloneUrl} demo && cd demo`,
        "echo '# changed' >> images/tools/pack",
        "git commit -am 'tools: a change' && git push",
      ],
    },
    {
      title: "Move the base of all images: they are rebuilt in order, each once",
      lines: [`npm run twin -- --dir ${shellWord(dir)} push local/shell:1`],
    },
    {
      title: "Ask the API: runs, runs/{id}, runs/{id}/log, images, waves, graph, why?reference=platform/app:main",
      lines: [`KEY=$(node -p "require('${file}').readKey")`, `curl -H "x-functions-key: $KEY" ${api}/runs`],
    },
    {
      title: "Fetch an image",
      lines: [
        `docker pull ${registry}/platform/app:main`,
        "skopeo copy --src-tls-verify=false \\",
        `  docker://${registry}/platform/app:main oci:app`,
      ],
    },
    { title: "All addresses, and the keys of this machine's parts", lines: [`cat ${shellWord(file)}`] },
  ];
}
