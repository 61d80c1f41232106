/** The BuildKit rule that decides, where dockerfile-ast reads other images than we do, and the corpus files where it does. */
const byRule: readonly (readonly [rule: string, files: readonly string[]])[] = [
  [
    "Stages that the target does not reach are not built, so their images are not read (dockerfile2llb/convert.go)",
    [
      "test stage nobody needs",
      "the test stage as target",
      "target in another case",
      "an alias that comes too late",
      "one alias twice",
      "a number is an image to FROM",
      "said in a stage",
    ],
  ],
  [
    "FROM is expanded with the global ARGs and the build args; the package leaves variables as written (dockerfile2llb/convert.go)",
    [
      "version in an ARG",
      "version from outside",
      "empty from outside is not absent",
      "an ARG nobody declared",
      "the whole name in an ARG",
      "registry, name and tag",
      "ARG on ARG",
      "several on one line",
      "said twice",
      "quoted default",
      "default in a default",
      "alternative when set",
      "prefix cut off",
      "suffix cut off",
      "longest suffix cut off",
      "replaced",
      "a stage by variable",
      "architecture in the tag",
    ],
  ],
  ["Quotes in FROM are removed (shell/lex.go)", ["quoted FROM"]],
  [
    "RUN --mount from= names a stage or an image, in CSV, keys in any case; a number is an image (instructions/commands_runmount.go)",
    [
      "a mount from an image",
      "mount keys written large",
      "a mount with quoted fields",
      "a number to a mount is an image",
    ],
  ],
  [
    "ONBUILD of a stage runs in the stages built from it (dockerfile2llb/convert.go)",
    ["triggers run in the stage above"],
  ],
  [
    "BuildKit refuses the file: a variable is missing or not allowed there (shell/lex.go, instructions/parse.go)",
    [
      "a variable that is missing",
      "a variable that must be given",
      "a name that is empty",
      "a variable in COPY",
      "a variable in a mount",
    ],
  ],
  [
    "BuildKit refuses the file: the stage does not exist or is not finished (dockerfile2llb/convert.go)",
    ["an index beyond the end", "from a stage that comes later"],
  ],
  [
    "BuildKit refuses the file: its syntax is wrong (parser/parser.go, instructions/parse.go)",
    [
      "a heredoc left open",
      "a comment behind FROM",
      "AS without a name",
      "two escape directives",
      "an ARG without a name",
      "RUN before FROM",
    ],
  ],
];

export const disagreements: Readonly<Record<string, string>> = Object.fromEntries(
  byRule.flatMap(([rule, files]) => files.map((name) => [name, rule])),
);
