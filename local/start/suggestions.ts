import { join } from "node:path";
import type { Suggestion } from "../screen/view.ts";

/** What a newcomer can do once the images are built; every line can be pasted into a shell. */
export function suggestions(place: {
  readonly cloneUrl: string;
  readonly api: string;
  readonly registry: string;
  /** As people would type it from where they are. */
  readonly dir: string;
}): readonly Suggestion[] {
  const { cloneUrl, api, registry, dir } = place;
  const endpoints = join(dir, "endpoints.json");
  const file = /^[./]/.test(endpoints) ? endpoints : `./${endpoints}`;
  return [
    {
      title: "Change an image: tools is rebuilt, then what stands on it",
      lines: [
        `git clone ${cloneUrl} demo && cd demo`,
        "echo '# changed' >> images/tools/pack && git commit -am 'tools: a change' && git push",
      ],
    },
    {
      title: "Ask the API: runs, runs/{id}, runs/{id}/log, images, decisions, why?reference=platform/app:main",
      lines: [`curl -H "x-functions-key: $(node -p "require('${file}').readKey")" ${api}/runs`],
    },
    {
      title: "Fetch an image",
      lines: [
        `docker pull ${registry}/platform/app:main`,
        `skopeo copy --src-tls-verify=false docker://${registry}/platform/app:main oci:app`,
      ],
    },
    { title: "All addresses, and the keys of this machine's parts", lines: [`cat ${file}`] },
  ];
}
