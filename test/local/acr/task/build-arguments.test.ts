import { describe, expect, test } from "vitest";
import { parseBuildLine, scanArguments } from "../../../../local/acr/task/build-arguments.ts";

describe("a build line", () => {
  test("is read as docker build reads it", () => {
    const line =
      "-t r/a:1 --tag=r/a:2 -f=x/Dockerfile --build-arg 'A=b c' --build-arg B=1=2 --label k=v --target t --no-cache --pull --platform linux/amd64 --network host x";
    expect(parseBuildLine(line)).toEqual({
      tags: ["r/a:1", "r/a:2"],
      dockerfile: "x/Dockerfile",
      buildArgs: { A: "b c", B: "1=2" },
      labels: { k: "v" },
      target: "t",
      noCache: true,
      platform: "linux/amd64",
      networkIsNone: false,
      secrets: {},
      context: "x",
    });
  });

  test.each([
    ["-t a", /requires exactly 1 argument/],
    ["-t a . other", /requires exactly 1 argument/],
    ["-t", /flag needs an argument/],
    ["--secret id=x .", /unknown flag: --secret/],
    ["-t a . && docker push a", /unquoted shell syntax/],
  ])("%s is refused", (line, problem) => {
    expect(() => parseBuildLine(line)).toThrow(problem);
  });

  test("has secret files only with BuildKit", () => {
    const line = "--network none --secret id=token,src=../t --secret id=pw,type=file,source=/run/pw --secret id=bare .";
    expect(parseBuildLine(line, { buildKit: true })).toMatchObject({
      networkIsNone: true,
      secrets: { token: "../t", pw: "/run/pw", bare: "bare" },
    });
    expect(() => parseBuildLine("--secret id=a,env=A .", { buildKit: true })).toThrow(/from the environment/);
    expect(() => parseBuildLine("--secret src=a .", { buildKit: true })).toThrow(/id is missing/);
  });

  test("looks different to ACR's scanner, which splits on blanks and keeps quotes of tags", () => {
    expect(scanArguments(`-t "r/a:1" --tag=r/b:1 -f 'x/Dockerfile' --build-arg "A=b c" --no-cache x`)).toEqual({
      tags: ['"r/a:1"'],
      dockerfile: "x/Dockerfile",
      buildArgs: ['"A=b'],
      target: "",
      // `c"` and then `x` after a flag: the scanner takes the last word that follows no option.
      context: "c",
    });
  });
});
