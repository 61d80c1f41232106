import { describe, expect, it } from "vitest";
import { parseSlipwayYaml } from "../../src/config/slipway-yaml.ts";

/** Every problem as `line:column key: message -> fix`. */
function problems(text: string): readonly string[] {
  const parsed = parseSlipwayYaml(text);
  if (parsed.ok) return [];
  return parsed.problems.map(({ line, column, key, message, fix }) => `${line}:${column} ${key}: ${message} -> ${fix}`);
}

/** The problems of an image's line; it is line 5, its key starts in column 5. */
function ofLine(line: string): readonly string[] {
  const repository = line.startsWith("repository:") ? "" : "\n    repository: web";
  return problems(`version: 1\ndefaults: { registry: acmeprod }\nimages:\n  web:\n    ${line}${repository}\n`);
}

describe("a line of an image", () => {
  it.each([
    // Keys
    ["contxt: a", "5:5 images.web.contxt: `contxt` is not a key here -> did you mean `context`?"],
    ["build_args: {}", "5:5 images.web.build_args: `build_args` is not a key here -> did you mean `build-args`?"],
    ["buildArgs: {}", "5:5 images.web.buildArgs: `buildArgs` is not a key here -> did you mean `build-args`?"],
    ["branches: [a]", "5:5 images.web.branches: `branches` is not a key here -> move it to `on.push.branches`"],
    [
      "cron: a",
      "5:5 images.web.cron: `cron` is not a key here -> remove it; the keys here are repository, context, dockerfile, target, test, registry, platforms, timeout, owner, cache, compat, build-args, tags, on",
    ],
    [
      "on: { push: { branch: [a] } }",
      "5:19 images.web.on.push.branch: `branch` is not a key here -> did you mean `branches`?",
    ],
    [
      "on: { pull-request: off }",
      "5:11 images.web.on.pull-request: `pull-request` is not a key here -> did you mean `pull_request`?",
    ],
    [
      "on: { schedule: [{ crn: a, cron: 0 0 * * * }] }",
      "5:24 images.web.on.schedule[0].crn: `crn` is not a key here -> did you mean `cron`?",
    ],
    [
      '"a\\u202eb": 1',
      "5:5 images.web.a\\u{202e}b: `a\\u{202e}b` is not a key here -> remove it; the keys here are repository, context, dockerfile, target, test, registry, platforms, timeout, owner, cache, compat, build-args, tags, on",
    ],
    [
      "<<: {}",
      "5:5 <<: merge keys (`<<`) are not part of YAML 1.2 -> write the keys out, or put shared ones under `defaults`",
    ],
    ["__proto__: {}", "5:5 __proto__: `__proto__` cannot be a key -> choose another name"],
    ["cache: true\n    cache: true", "6:5 cache: `cache` is given twice; the first is on line 5 -> keep one of them"],
    ["? [a]\n    : b", "5:7 : a key is not plain text -> write every key as a single word"],
    ["cache: !!bool true", "5:19 : a YAML tag (`!…`) is used -> remove it, and quote the value if it is meant as text"],
    // Kinds
    [
      "tags: { stable: [1.0] }",
      '5:22 images.web.tags.stable[0]: must be text, found the number 1.0 -> put it in quotes: "1.0"',
    ],
    [
      "build-args: { A: true }",
      '5:22 images.web.build-args.A: must be text, found the truth value true -> put it in quotes: "true"',
    ],
    [
      "build-args: { A: 0x1F }",
      '5:22 images.web.build-args.A: must be text, found the number 0x1F -> put it in quotes: "0x1F"',
    ],
    [
      "build-args: { A: }",
      '5:22 images.web.build-args.A: there is no value here -> write "" for an empty text, or remove the key',
    ],
    [
      "build-args: [A=1]",
      "5:17 images.web.build-args: must be a mapping of keys to values, found a list -> write it as in { NODE_ENV: production }",
    ],
    ["target:", "5:12 images.web.target: there is no value here -> write one, as in runtime, or remove the key"],
    ["timeout: 30", "5:14 images.web.timeout: must be text, found the number 30 -> write it as in 30m"],
    ["cache: yes", '5:12 images.web.cache: must be true or false, found "yes" -> write true'],
    ['cache: "off"', '5:12 images.web.cache: must be true or false, found "off" -> write false'],
    [
      "platforms: linux/amd64",
      '5:16 images.web.platforms: must be a list, found "linux/amd64" -> put it in a list: [linux/amd64]',
    ],
    [
      "on: push",
      '5:9 images.web.on: must be a mapping of keys to values, found "push" -> write it as in { push: { branches: [ main ] } }',
    ],
    [
      "on: { push: [a] }",
      "5:17 images.web.on.push: must be a mapping of keys to values or off, found a list -> write it as in { branches: [ main ] }",
    ],
    [
      "on: { push: of }",
      '5:17 images.web.on.push: must be a mapping of keys to values or off, found "of" -> did you mean off?',
    ],
    [
      "on: { push: { branches: main } }",
      '5:29 images.web.on.push.branches: must be a list, found "main" -> put it in a list: [main]',
    ],
    [
      "on: { pull_request: false }",
      "5:25 images.web.on.pull_request: must be off or build-only, found the truth value false -> write off",
    ],
    [
      "on: { pull_request: build_only }",
      '5:25 images.web.on.pull_request: must be off or build-only, found "build_only" -> did you mean build-only?',
    ],
    [
      "on: { base_update: everything }",
      '5:24 images.web.on.base_update: must be all, runtime or off, found "everything" -> write all, runtime or off',
    ],
    ["on: { schedule: [{}] }", "5:22 images.web.on.schedule[0].cron: `cron` is missing -> add `cron: 0 3 * * 1`"],
    [
      "test: 7",
      "5:11 images.web.test: must be text or a list, found the number 7 -> write it as in [ node --version ]",
    ],
    [
      "test: [{ a: b }]",
      "5:12 images.web.test[0]: must be text or a list, found a mapping -> write it as in node --version",
    ],
    ["test: [[node, 3]]", '5:19 images.web.test[0][1]: must be text, found the number 3 -> put it in quotes: "3"'],
    ["test: [[]]", "5:12 images.web.test[0][0]: the list is empty -> add an entry, or remove the list"],
    // Values
    ["repository: Acme/Web", '5:17 images.web.repository: "Acme/Web" has upper case letters -> write "acme/web"'],
    [
      "repository: web:latest",
      '5:17 images.web.repository: "web:latest" has a tag or a digest -> give the repository only; tags go under `tags`',
    ],
    [
      "repository: acme.azurecr.io/web",
      '5:17 images.web.repository: "acme.azurecr.io/web" names a registry -> leave the host out; `registry` says which registry is meant',
    ],
    [
      "registry: A",
      '5:15 images.web.registry: "A" is not a registry alias -> use 2 to 31 lower case letters, digits and `-`, as in acmeprod',
    ],
    ["context: /a", '5:14 images.web.context: "/a" is an absolute path -> make it relative, without the leading `/`'],
    [
      "context: a/../b",
      '5:14 images.web.context: "a/../b" leaves its folder with `..` -> name a folder inside the source repository',
    ],
    ["context: a\\b", '5:14 images.web.context: "a\\b" has a backslash -> separate folders with `/`'],
    [
      "context: a$(id)",
      '5:14 images.web.context: "a$(id)" has the character "$", which does not travel safely to ACR -> rename it; letters, digits and `_ . / @ + -` are allowed',
    ],
    [
      'context: "a\\u0007"',
      '5:14 images.web.context: "a\\u{7}" has the character "\\u{7}", which does not travel safely to ACR -> rename it; letters, digits and `_ . / @ + -` are allowed',
    ],
    ['context: ""', '5:14 images.web.context: the path is empty -> write "." for the root'],
    [
      "dockerfile: ./-",
      '5:17 images.web.dockerfile: "./-" starts with `-` and would be read as an option -> rename it',
    ],
    [
      "dockerfile: ./",
      '5:17 images.web.dockerfile: "./" is a folder -> name the Dockerfile itself, relative to `context`',
    ],
    [
      "target: a b",
      '5:13 images.web.target: "a b" is not the name of a build stage -> use the name after AS in the Dockerfile',
    ],
    [
      'build-args: { 1a: "" }',
      '5:19 images.web.build-args.1a: "1a" is not a build argument\'s name -> use letters, digits and `_`, not starting with a digit',
    ],
    [
      "build-args: { A: $(id) }",
      '5:22 images.web.build-args.A: "$(id)" has characters that do not travel safely to ACR -> use letters, digits and `_ . / : @ = + , -` only',
    ],
    [
      'build-args: { A: "{{.Run.ID}}" }',
      "5:22 images.web.build-args.A: `{{.Run.ID}}` is not a variable -> use one of {{branch}} {{git_tag}} {{ref_name}} {{sha}} {{short_sha}} {{image}} {{run}} {{registry}}",
    ],
    [
      'build-args: { A: "{{run}}" }',
      "5:22 images.web.build-args.A: {{run}} is not allowed in build arguments -> remove it; it differs each time and would defeat the layer cache",
    ],
    [
      'tags: { stable: ["a-{{ run }}"] }',
      "5:22 images.web.tags.stable[0]: {{run}} is not allowed in a stable tag -> move it to `tags.unique`; a stable tag keeps its name and moves",
    ],
    [
      "tags: { stable: [a/b] }",
      '5:22 images.web.tags.stable[0]: "a/b" cannot be part of a tag -> use letters, digits and `_ . -` only',
    ],
    [
      "tags: { stable: [.a] }",
      '5:22 images.web.tags.stable[0]: ".a" starts with `.` -> start a tag with a letter, a digit, `_` or a variable',
    ],
    ['tags: { stable: [""] }', "5:22 images.web.tags.stable[0]: the tag is empty -> write a tag, such as {{ref_name}}"],
    [
      'tags: { stable: ["{{branch}}", "{{ branch }}"] }',
      '5:36 images.web.tags.stable[1]: "{{ branch }}" is listed twice -> keep one of them',
    ],
    [
      'tags: { unique: ["{{branch}}"] }',
      '5:22 images.web.tags.unique[0]: "{{branch}}" would be pushed more than once: it has no {{run}} -> add {{run}}, as in "{{branch}}-{{run}}", or move it to `tags.stable`',
    ],
    [
      "tags: { unique: [] }",
      '5:21 images.web.tags.unique: the list is empty -> add an entry, as in [ "{{ref_name}}-{{short_sha}}-{{run}}" ], or remove the key',
    ],
    [
      'test: ["echo {{.Run.ID}}"]',
      "5:12 images.web.test[0]: `{{` is not allowed in a test -> put the command into a script inside the image",
    ],
    [
      'test: ["a\\nb"]',
      "5:12 images.web.test[0]: a test command has a line break or another control character -> write one command per list entry",
    ],
    [
      'test: [[" "]]',
      "5:13 images.web.test[0][0]: the test command is empty -> write a command, such as `node --version`, or remove it",
    ],
    [
      "timeout: 1h30m",
      '5:14 images.web.timeout: "1h30m" is not a duration -> write a whole number and a unit: 600s, 30m or 2h',
    ],
    [
      "timeout: 90s",
      "5:14 images.web.timeout: a timeout of 90s is outside what ACR allows -> choose between 5m and 8h",
    ],
    ["timeout: 9h", "5:14 images.web.timeout: a timeout of 9h is outside what ACR allows -> choose between 5m and 8h"],
    [
      "platforms: [linux/amd64, linux/arm64]",
      "5:30 images.web.platforms[1]: an image for several platforms cannot be built yet -> keep one platform, or make an image of its own for each",
    ],
    [
      "platforms: []",
      "5:16 images.web.platforms: the list is empty -> add an entry, as in [ linux/amd64 ], or remove the key",
    ],
    [
      "platforms: [linux/x]",
      '5:17 images.web.platforms[0]: "linux/x" is not a platform ACR builds for -> write os/arch, as in linux/amd64 or linux/arm64',
    ],
    [
      "owner: a;b",
      '5:12 images.web.owner: "a;b" is not an owner -> use a team or person\'s name of letters, digits, blanks and `@ . _ / -`',
    ],
    [
      "on: { push: { branches: [refs/heads/main] } }",
      '5:30 images.web.on.push.branches[0]: the pattern "refs/heads/main" is a full ref -> write the name only: "main"',
    ],
    [
      'on: { push: { branches: ["!a"] } }',
      '5:30 images.web.on.push.branches[0]: all patterns take away, so nothing would ever match -> add a pattern without `!` before them, such as "**"',
    ],
    [
      'on: { push: { tags: ["v["] } }',
      '5:26 images.web.on.push.tags[0]: the pattern "v[" cannot be read: "[" has no matching "]" -> put a `\\` before a character that is meant literally',
    ],
    [
      "on: { push: { paths: [./a] } }",
      '5:27 images.web.on.push.paths[0]: the pattern "./a" does not start at a folder name -> paths are relative to the root of the source repository, without a leading `/` or `./`',
    ],
    [
      'on: { schedule: [{ cron: "@daily" }] }',
      '5:30 images.web.on.schedule[0].cron: "@daily" is not a cron expression of five fields -> write minute, hour, day, month and weekday (UTC), as in "0 3 * * 1"',
    ],
  ])("%s", (line, problem) => {
    expect(ofLine(line)).toEqual([problem]);
  });

  it.each([
    ['tags: { stable: ["{{branch}}{{short_sha}}"] }', /needs a separator/],
    ['tags: { stable: ["{{branch"] }', /"\{\{" without "\}\}"/],
    ['tags: { stable: ["branch}}"] }', /"\}\}" without "\{\{"/],
    [`tags: { stable: [${"a".repeat(129)}] }`, /stable\[0\]/],
    ["repository: a..b", /images\.web\.repository/],
    ["repository: a//b", /images\.web\.repository/],
    [`repository: ${"a".repeat(256)}`, /images\.web\.repository/],
    ["repository: a___b", /images\.web\.repository/],
  ])("%s is refused by the rules of image names", (line, message) => {
    expect(ofLine(line)).toEqual([expect.stringMatching(message)]);
  });
});

describe("a file as a whole", () => {
  const defaults = "defaults: { registry: acmeprod }\n";

  it.each(
    [
      ["", "1:1 : the file is empty -> start with `version: 1`"],
      ["- a\n", "1:1 : must be a mapping of keys to values, found a list -> see docs/configuration.md"],
      ["version: 1\n", "1:1 images: `images` is missing -> add `images: { web: { repository: web } }`"],
      ["images: { web: { repository: web, registry: ab } }\n", "1:1 version: `version` is missing -> add `version: 1`"],
      [
        "version: 2\nimages: { web: { repository: web, registry: ab } }\n",
        "1:10 version: must be 1, found the number 2 -> write 1",
      ],
      [
        'version: "1"\nimages: { web: { repository: web, registry: ab } }\n',
        '1:10 version: must be 1, found "1" -> write 1',
      ],
      [
        "version: 1\nimages:\n",
        "2:8 images: there is no value here -> write one, as in { web: { repository: web } }, or remove the key",
      ],
      ["version: 1\nimages: {}\n", "2:9 images: there are no images -> add one, as in `web: { repository: web }`"],
      [
        `version: 1\n${defaults}images: { Web: { repository: web } }\n`,
        '3:11 images.Web: "Web" is not an image\'s name -> use at most 63 lower case letters, digits and `. _ -`, starting with a letter or digit',
      ],
      [
        `version: 1\n${defaults}images: { web: { context: a } }\n`,
        "3:11 images.web.repository: `repository` is missing -> add `repository: platform/node-base`",
      ],
      [
        "version: 1\nimages: { web: { repository: web } }\n",
        "2:11 images.web.registry: `registry` is missing -> add `registry:` with an alias of slipway.platform.yaml here, or under `defaults` for all images",
      ],
      [
        `version: 1\ndefaults: { registry: ab, test: [a] }\nimages: { web: { repository: web } }\n`,
        "2:27 defaults.test: `test` is not a key here -> remove it; the keys here are registry, platforms, timeout, owner, cache, compat, build-args, tags, on",
      ],
      [
        `version: 1\n${defaults}images: { a: { repository: x }, b: { repository: x } }\n`,
        '3:50 images.b.repository: image "a" makes the same tag: x:{{ref_name}} -> give one of the two another repository or other stable tags',
      ],
      [`version: 1\n${defaults}images:\n\tweb: {}\n`, "4:1 : a tab is used as indentation -> indent with blanks"],
      [
        "version: 1\n---\nversion: 1\n",
        "2:1 : the file holds several YAML documents -> keep one; remove the `---` line and what follows",
      ],
      [
        "%YAML 1.1\n---\nversion: 1\n",
        "1:1 : the file asks for an older YAML -> remove the %YAML line; files are read as YAML 1.2",
      ],
      ["a: &a [*a]\n", "1:8 : `*a` stands inside what it refers to -> write the value out"],
      ["a: !x {}\n", "1:7 : a YAML tag (`!…`) is used -> remove it, and quote the value if it is meant as text"],
      [
        "a: *b\nb: &b 1\n",
        "1:4 : `*b` refers to nothing before it -> write the value out, or put `&b` before the first one",
      ],
      ["a: *b\n", "1:4 : `*b` refers to nothing before it -> write the value out, or put `&b` before the first one"],
      [
        `a: &a 1\nb: [${"*a,".repeat(200)}]\n`,
        "1:1 : the file's anchors and aliases refer to each other too often -> write the values out, without `&` and `*`",
      ],
      [
        "#".repeat(262_145),
        "1:1 : the file is larger than 256 KiB -> split it, or move the long parts into the Dockerfiles",
      ],
      [
        "#é".repeat(100_000),
        "1:1 : the file is larger than 256 KiB -> split it, or move the long parts into the Dockerfiles",
      ],
    ].map(([text, problem]) => ({ text: text as string, problem: problem as string })),
  )("$problem", ({ text, problem }) => {
    expect(problems(text)).toEqual([problem]);
  });

  it.each([
    ["on a branch", '"{{branch}}"', '"{{ref_name}}"'],
    ["on a Git tag", '"{{ref_name}}"', '"{{git_tag}}"'],
    ["of a fixed name", "latest", "latest"],
    ["named after itself", "b", '"{{image}}"'],
  ])("refuses two images that make the same stable tag %s", (_, first, second) => {
    const text = `version: 1\n${defaults}images:\n  a: { repository: x, tags: { stable: [${first}] } }\n  b: { repository: x, tags: { stable: [${second}] } }\n`;
    expect(problems(text)).toEqual([expect.stringContaining('5:20 images.b.repository: image "a" makes the same tag')]);
  });

  it.each([
    ["another stable tag", "repository: x, tags: { stable: [b] }"],
    ["no stable tag", "repository: x, tags: { stable: [] }"],
    ["another registry", "repository: x, registry: other"],
    ["another repository", "repository: y"],
  ])("accepts two images of a repository when the second has %s", (_, second) => {
    expect(problems(`version: 1\n${defaults}images: { a: { repository: x }, b: { ${second} } }\n`)).toEqual([]);
  });

  it("tells a branch's tag and a Git tag's tag apart", () => {
    const text = `version: 1\n${defaults}images:\n  a: { repository: x, tags: { stable: ["{{branch}}"] } }\n  b: { repository: x, tags: { stable: ["{{git_tag}}"] } }\n`;
    expect(problems(text)).toEqual([]);
  });

  it("tells all problems at once, in the order of the file: keys, values, misnamed entries and rules between images", () => {
    const text = [
      "version: 1",
      "defaults: { registry: acmeprod }",
      "images:",
      "  a: { repository: x }",
      "  B: { repository: X }",
      "  c: { repository: x, contxt: a, context: .. }",
      "  d: { repository: x }",
      "extra: 1",
    ].join("\n");
    expect(problems(text).map((problem) => problem.split(": ")[0])).toEqual([
      "5:3 images.B",
      "5:20 images.B.repository",
      "6:23 images.c.contxt",
      "6:43 images.c.context",
      "7:20 images.d.repository",
      "8:1 extra",
    ]);
  });

  it.each([
    ["defaults: { registry: A }", "2:23 defaults.registry"],
    ["defaults: 5", "2:11 defaults"],
    ["defaults:", "2:10 defaults"],
  ])("says nothing of images that lack what a wrong %s would have given", (line, problem) => {
    expect(problems(`version: 1\n${line}\nimages: { a: { repository: x } }\n`)).toEqual([
      expect.stringMatching(`^${problem}: `),
    ]);
  });

  it("tells syntax errors at once, too", () => {
    expect(problems("a: 1\na: 2\nb: [\n").map((problem) => problem.split(" ")[0])).toEqual(["2:1", "4:1"]);
  });

  it("stops at a hundred problems", () => {
    expect(problems(`version: 1\n${Array.from({ length: 5000 }, (_, at) => `k${at}: 1`).join("\n")}`)).toHaveLength(
      100,
    );
  });

  const withArguments = (each: number, of: readonly string[]) => {
    const long = "x".repeat(1000);
    const written = Array.from({ length: each }, (_, i) => `A${i}: ${long}`).join(", ");
    const images = of.map((name) => `  ${name}: { repository: ${name} }`).join("\n");
    return problems(`version: 1\ndefaults: { registry: acmeprod, build-args: { ${written} } }\nimages:\n${images}\n`);
  };

  it("says which image comes to more than a row takes, with what `defaults` give it", () => {
    expect(withArguments(30, ["a"])).toEqual([]);
    expect(withArguments(32, ["a", "b"])).toEqual(
      ["4:6 images.a", "5:6 images.b"].map((at) =>
        expect.stringMatching(`^${at}: with its defaults it comes to 3\\d{4} characters; at most 32000 -> move long`),
      ),
    );
  });

  it("says that all images together come to more than a row takes, however often `defaults` count", () => {
    const names = (count: number) => Array.from({ length: count }, (_, i) => `i${i}`);
    expect(withArguments(25, names(300))).toEqual([]);
    expect(withArguments(25, names(320))).toEqual([
      expect.stringMatching(/^4:3 images: with their defaults they come to 8\d{6} characters; at most 8000000 -> /),
    ]);
  });
});
