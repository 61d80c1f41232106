import { describe, expect, test } from "vitest";
import { parseFlags } from "../../../local/start/flags.ts";
import { missingRequirements } from "../../../local/start/requirements.ts";

const places = { cwd: "/home/ada", root: "/src/slipway" };
const parse = (...argv: string[]) => parseFlags(argv, places);
const plain = { once: false, watch: false, fresh: false, dir: "/src/slipway/.local" };

describe("the command line of npm start", () => {
  test.each([
    [[], plain],
    [["--once"], { ...plain, once: true }],
    [["--fresh", "--watch"], { ...plain, fresh: true, watch: true }],
    [["--port", "7071"], { ...plain, port: 7071 }],
    [["--port=0"], { ...plain, port: 0 }],
    [["--engine", "docker"], { ...plain, engine: "docker" }],
    [["--engine", "buildah"], { ...plain, engine: "buildah" }],
    [["--engine", "built-in"], { ...plain, engine: "built-in" }],
    [["--dir", "there"], { ...plain, dir: "/home/ada/there" }],
    [["--dir", "/tmp/x"], { ...plain, dir: "/tmp/x" }],
  ])("%j", (argv, flags) => {
    expect(parse(...argv)).toEqual({ kind: "start", flags });
  });

  test.each([
    [["--onec"], /--onec/],
    [["now"], /now/],
    [["--port", "65536"], /65536.*0 to 65535/],
    [["--port", "seven"], /seven/],
    [["--port", "-1"], /port/],
    [["--engine", "podman"], /docker, buildah, built-in/],
    [["--dir", ""], /--dir/],
    [["--once", "--watch"], /one of them/],
  ])("%j is refused in one sentence", (argv, message) => {
    const parsed = parse(...argv);
    expect(parsed).toEqual({ kind: "wrong", message: expect.stringMatching(message) });
  });

  test.each([["--help"], ["-h"]])("%s", (flag) => {
    expect(parse(flag)).toEqual({ kind: "help" });
  });
});

describe("what has to be installed first", () => {
  test.each([
    ["20.19.0", "git version 2.39.5", []],
    ["24.1.0", "git version 2.39.5", []],
    ["20.18.9", "git version 2.39.5", [/Node.js 20.19 or newer.*20.18.9/]],
    ["18.20.0", undefined, [/Node.js/, /git is needed/]],
    ["22.0.0", undefined, [/git is needed/]],
  ] as const)("Node %s with %s", (node, git, expected) => {
    expect(missingRequirements({ node, git })).toEqual(expected.map((each) => expect.stringMatching(each)));
  });
});
