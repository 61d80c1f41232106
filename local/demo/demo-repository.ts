/**
 * The demo's source repository: five images in an uneven diamond. `app` stands on `runtime` and, the long way round, on
 * `tools` and `assets`, so whoever builds a dependent as soon as one base is ready builds it twice.
 *
 *   base ──▶ runtime ─────────────▶ app
 *     └────▶ tools ───▶ assets ─────┘
 */
export const demoRepository = "demo/platform";

const base = (name: string) => `\${REGISTRY}/platform/${name}:main`;

function image(name: string, extra = ""): string {
  return `  ${name}:
    repository: platform/${name}
    context: images/${name}
${extra}`;
}

const slipwayYaml = `version: 1
defaults:
  registry: local
  timeout: 10m
  owner: team-platform
  build-args: { REGISTRY: "{{registry}}" }
  on:
    push: { branches: [main] }
images:
${image("base", `    test: ["cat /etc/slipway/base"]\n`)}${image("runtime")}${image("tools")}${image("assets")}${image("app", `    test: ["/srv/app/start"]\n`)}`;

export const demoFiles: Readonly<Record<string, string>> = {
  "README.md": "# platform\n\nFive images that stand on each other. Change one and push.\n",
  "slipway.yaml": slipwayYaml,
  "images/base/Dockerfile": `ARG REGISTRY
FROM \${REGISTRY}/local/shell:1
COPY base /etc/slipway/base
RUN echo "base is made of $(cat /etc/slipway/base)" > /etc/slipway/made
`,
  "images/base/base": "solid ground\n",
  "images/runtime/Dockerfile": `ARG REGISTRY
FROM ${base("base")}
COPY runtime.conf /etc/slipway/runtime.conf
RUN cat /etc/slipway/made /etc/slipway/runtime.conf > /etc/slipway/runtime
`,
  "images/runtime/runtime.conf": "threads = 2\n",
  "images/tools/Dockerfile": `ARG REGISTRY
FROM ${base("base")}
COPY pack /usr/local/bin/pack
RUN chmod 755 /usr/local/bin/pack && pack check
`,
  "images/tools/pack": `#!/bin/sh
# Packs a folder's files into one, in order.
[ "$1" = check ] && { echo "pack works"; exit 0; }
cat "$1"/*
`,
  "images/assets/Dockerfile": `ARG REGISTRY
FROM ${base("tools")} AS packed
COPY pages /pages
RUN pack /pages > /site.txt
FROM scratch
COPY --from=packed /site.txt /site.txt
`,
  "images/assets/pages/1.txt": "Hello from Slipway.\n",
  "images/assets/pages/2.txt": "Built in order, each image once.\n",
  "images/app/Dockerfile": `ARG REGISTRY
FROM ${base("assets")} AS assets
FROM ${base("runtime")}
COPY --from=assets /site.txt /srv/app/site.txt
COPY start /srv/app/start
RUN chmod 755 /srv/app/start && test -s /srv/app/site.txt
CMD ["/srv/app/start"]
`,
  "images/app/start": `#!/bin/sh
cat /etc/slipway/runtime /srv/app/site.txt
`,
};
