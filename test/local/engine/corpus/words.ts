import type { Case } from "./case.ts";

/** What the words of a Dockerfile mean: variables, forms, line ends, and what of it the configuration keeps. */
export const words: readonly Case[] = [
  {
    name: "ARG holds from its line on: what is given, else its default, else the global one",
    dockerfile: [
      "ARG G=global",
      "ARG H=global",
      "FROM scratch",
      'LABEL before="[$OWN]" hidden="[$H]"',
      "ARG G",
      "ARG OWN=own",
      "ARG GIVEN=default",
      "ARG NONE",
      'LABEL g=$G own=$OWN given=$GIVEN none="[$NONE]"',
      "ENV OWN=env",
      "ARG OWN=again",
      "LABEL env-wins=$OWN",
    ],
    request: { buildArgs: { GIVEN: "given" } },
    config: {
      Env: ["OWN=env"],
      Labels: { before: "[]", hidden: "[]", g: "global", own: "own", given: "given", none: "[]", "env-wins": "env" },
    },
  },
  {
    name: "an ARG ends with its stage, an ENV goes on into the next",
    dockerfile: [
      "ARG FIRST=scratch",
      "FROM $FIRST AS one",
      "ARG A=a",
      "ENV B=b",
      "FROM ${FIRST:-none} AS unused",
      "FROM one",
      'LABEL a="[$A]" b="[$B]"',
    ],
    config: { Env: ["B=b"], Labels: { a: "[]", b: "[b]" } },
  },
  {
    name: "a word sees variables as they were before its line, and can do without them",
    dockerfile: [
      "FROM scratch",
      "ENV A=1 EMPTY=",
      "ENV A=2 B=$A",
      "ENV C=${A}x D=${Z:-d} E=${A:+alt} F=${Z:+alt} G=${EMPTY:-filled}",
      "ENV H=\\$A I='$A' J=\"$A $B\" K=$A$B L=a\\ b",
    ],
    config: {
      Env: ["A=2", "EMPTY=", "B=1", "C=2x", "D=d", "E=alt", "F=", "G=filled", "H=$A", "I=$A", "J=2 1", "K=21", "L=a b"],
    },
  },
  {
    name: "ENV's old form takes the rest of the line",
    dockerfile: ["FROM scratch", "ENV ONE two  three=3", 'ENV TWO "quoted" $ONE'],
    config: { Env: ["ONE=two  three=3", "TWO=quoted two  three=3"] },
  },
  {
    name: "TARGETOS and its like are known to ARG",
    dockerfile: ["FROM scratch", "ARG TARGETOS", "ARG BUILDPLATFORM=none", "LABEL os=$TARGETOS"],
    config: { Labels: { os: "linux" } },
    differs: {
      docker: { why: "only BuildKit knows these; ACR's builder does not either", config: { Labels: { os: "" } } },
    },
  },
  {
    name: "labels have quotes, spaces and line ends, and the request's win",
    dockerfile: [
      "FROM scratch",
      'LABEL "a b"=c d=\'single $X\' e="say \\"q\\"" \\',
      "  f=last",
      "LABEL multi=one\\",
      "two given=dockerfile",
    ],
    request: { labels: { given: "request", more: "x=y" } },
    config: {
      Labels: { "a b": "c", d: "single $X", e: 'say "q"', f: "last", multi: "onetwo", given: "request", more: "x=y" },
    },
  },
  {
    name: "EXPOSE, VOLUME, STOPSIGNAL and USER are kept as the configuration writes them",
    dockerfile: [
      "FROM scratch",
      "ENV PORT=8080",
      "EXPOSE 80 53/udp $PORT",
      'VOLUME ["/data", "/more"]',
      "VOLUME /old /form",
      "STOPSIGNAL SIGINT",
      "USER 1000:$PORT",
    ],
    config: {
      Env: ["PORT=8080"],
      ExposedPorts: ["53/udp", "80/tcp", "8080/tcp"],
      StopSignal: "SIGINT",
      User: "1000:8080",
      Volumes: ["/data", "/form", "/more", "/old"],
    },
  },
  {
    name: "EXPOSE takes ranges, protocols in any case and several words in a variable",
    dockerfile: ["FROM scratch", 'ARG MORE="1 2"', "EXPOSE 80-82 9/UDP $MORE"],
    config: { ExposedPorts: ["1/tcp", "2/tcp", "80/tcp", "81/tcp", "82/tcp", "9/udp"] },
    differs: {
      buildah: {
        why: "buildah 1.28 keeps the words of EXPOSE as they are written",
        config: { ExposedPorts: ["1/tcp", "2/tcp", "80-82/tcp", "9/UDP"] },
        orNot: true,
      },
    },
  },
  {
    name: "EXPOSE of what is no port fails the build",
    dockerfile: ["FROM scratch", "EXPOSE 82-80"],
    fails: /82-80/,
    differs: {
      buildah: {
        why: "buildah 1.28 keeps the words of EXPOSE as they are written",
        config: { ExposedPorts: ["82-80/tcp"] },
        fails: undefined,
        orNot: true,
      },
    },
  },
  {
    name: "a STOPSIGNAL that does not exist fails the build",
    dockerfile: ["FROM scratch", "STOPSIGNAL nonsense"],
    fails: /nonsense/,
  },
  {
    name: "ENV and LABEL want a value",
    dockerfile: ["FROM scratch", "ENV NAME"],
    fails: /NAME|two arguments/,
  },
  {
    name: "HEALTHCHECK's command is the shell form when it is no list of strings",
    dockerfile: ["FROM scratch", "HEALTHCHECK CMD [ -f /ready ]"],
    config: { Healthcheck: { Test: ["CMD-SHELL", "[ -f /ready ]"] } },
  },
  {
    name: "WORKDIR makes its folders, relative to the last, with variables",
    dockerfile: ["FROM scratch", "ENV NAME=deep", "WORKDIR /x", "WORKDIR y/$NAME", "COPY a.txt ./", "COPY a.txt ../up"],
    context: { "a.txt": "a" },
    config: { Env: ["NAME=deep"], WorkingDir: "/x/y/deep" },
    files: {
      x: "755 0:0 /",
      "x/y": "755 0:0 /",
      "x/y/deep": "755 0:0 /",
      "x/y/deep/a.txt": "644 0:0 a",
      "x/y/up": "644 0:0 a",
    },
  },
  {
    name: "HEALTHCHECK has options and a shell form",
    dockerfile: ["FROM scratch", "HEALTHCHECK --interval=1m30s --timeout=3s --retries=2 CMD curl -f $HOST || exit 1"],
    config: {
      Healthcheck: { Test: ["CMD-SHELL", "curl -f $HOST || exit 1"], Interval: 90e9, Timeout: 3e9, Retries: 2 },
    },
  },
  {
    name: "HEALTHCHECK NONE takes the base's away",
    dockerfile: ["FROM scratch AS base", 'HEALTHCHECK CMD ["/check", "it"]', "FROM base", "HEALTHCHECK NONE"],
    config: { Healthcheck: { Test: ["NONE"] } },
  },
  {
    name: "an ENTRYPOINT drops the base's CMD",
    dockerfile: ["FROM scratch AS base", 'CMD ["inherited"]', "FROM base", 'ENTRYPOINT ["/app", "$A"]'],
    config: { Entrypoint: ["/app", "$A"] },
  },
  {
    name: "an ENTRYPOINT keeps the CMD of its own stage, and the shell form wraps both",
    dockerfile: ["FROM scratch", "CMD echo $A", "ENTRYPOINT exec app"],
    config: { Cmd: ["/bin/sh", "-c", "echo $A"], Entrypoint: ["/bin/sh", "-c", "exec app"] },
  },
  {
    name: "what is no valid list of strings is the shell form",
    dockerfile: ["FROM scratch", "CMD ['one', 'two']"],
    config: { Cmd: ["/bin/sh", "-c", "['one', 'two']"] },
  },
  {
    name: "another escape character continues lines",
    dockerfile: [
      "# escape=`",
      "FROM scratch",
      "LABEL one=1 `",
      "  # in between",
      "  two=2",
      "COPY a.txt `",
      "  /a.txt",
    ],
    context: { "a.txt": "a" },
    config: { Labels: { one: "1", two: "2" } },
    files: { "a.txt": "644 0:0 a" },
  },
  {
    name: "another escape character escapes in words, and backslashes are letters",
    dockerfile: ["# escape=`", "FROM scratch", "LABEL path=C:\\dir", 'LABEL price=`$1 quoted="a`"b"'],
    config: { Labels: { path: "C:\\dir", price: "$1", quoted: 'a"b' } },
    differs: {
      buildah: { why: "buildah 1.28 takes the backslash for it in words", orNot: true, fails: /double-quote/ },
    },
  },
  {
    name: "keywords have any case; comments, empty lines and Windows line ends do not count",
    dockerfile: [
      "# a comment\r",
      "from scratch\r",
      "\r",
      "  # another\r",
      "label one=1 \\\r",
      "  # in between\r",
      "\r",
      "  two=2 \\  \r",
      "  three=#3\r",
      "Copy a.txt /\r",
    ],
    context: { "a.txt": "a" },
    config: { Labels: { one: "1", two: "2", three: "#3" } },
    files: { "a.txt": "644 0:0 a" },
  },
  {
    name: "an instruction that does not exist fails the build",
    dockerfile: ["FROM scratch", "COPPY a /a"],
    fails: /COPPY/i,
  },
];
