import type { Case } from "./case.ts";

const leftFolders = "the BuildKit of Docker 20.10 leaves the empty folders it mounted on";

/** What is executed, while an image is built and when it is run. */
export const running: readonly Case[] = [
  {
    name: "RUN has the shell form and the exec form, ARG and ENV, and its folder",
    dockerfile: [
      "FROM {base}",
      "ARG GREETING=hi",
      'ENV WHO="the world" UNUSED=',
      "WORKDIR /app",
      'RUN echo "$GREETING, $WHO" > greeting && echo said it',
      'RUN ["/bin/sh", "-c", "echo \\"$0 $(pwd)\\" > exec", "$WHO"]',
      'CMD echo "$GREETING|$WHO|$(cat greeting)|$(pwd)"',
    ],
    request: { buildArgs: { GREETING: "hello" } },
    log: /said it/,
    files: {
      app: "755 0:0 /",
      "app/greeting": "644 0:0 hello, the world\n",
      "app/exec": "644 0:0 $WHO /app\n",
    },
    prints: "|the world|hello, the world|/app\n",
  },
  {
    name: "/dev/stdout and /dev/stderr can be opened",
    dockerfile: ["FROM {base}", "RUN echo one > /dev/stdout && echo two > /dev/stderr", "CMD echo three > /dev/stdout"],
    // Docker hands on the two outputs each for itself.
    log: /(?=[\s\S]*one\n)(?=[\s\S]*two\n)/,
    config: { Cmd: ["/bin/sh", "-c", "echo three > /dev/stdout"] },
    prints: "three\n",
  },
  {
    name: "RUN's changes are kept: new, changed, replaced and removed files, links and owners",
    dockerfile: [
      "FROM {base}",
      "COPY tree /t",
      "RUN cd /t && rm -r gone && rm was-file && mkdir was-file && rm -r was-folder && echo > was-folder && " +
        "printf xyz > edited && chmod 4750 mode && chown 5:nogroup owner && ln -s same soft && ln same hard && " +
        "mkdir -m 1777 new && rm /bin/uniq",
      'CMD stat -c "%h" /t/same',
    ],
    context: {
      "tree/gone/a": "",
      "tree/was-file": "",
      "tree/was-folder/x": "",
      "tree/edited": "abc",
      "tree/mode": "m",
      "tree/owner": "o",
      "tree/same": "s",
    },
    files: {
      t: "755 0:0 /",
      "t/was-file": "755 0:0 /",
      "t/was-folder": "644 0:0 \n",
      "t/edited": "644 0:0 xyz",
      "t/mode": "4750 0:0 m",
      "t/owner": "644 5:65534 o",
      "t/same": "644 0:0 s",
      "t/soft": "0:0 -> same",
      "t/hard": "644 0:0 s",
      "t/new": "1777 0:0 /",
      "bin/uniq": "gone",
    },
    prints: "2\n",
  },
  {
    name: "USER is obeyed by RUN, by name, number and group, and WORKDIR is root's all the same",
    dockerfile: [
      "FROM {base}",
      "USER nobody",
      'RUN echo "$(id -u):$(id -g) $HOME" > /tmp/name',
      "USER 5:nogroup",
      "WORKDIR /w",
      'RUN echo "$(id -u):$(id -g) $HOME" > /tmp/number && ! touch /no 2> /dev/null',
      "CMD id -u",
    ],
    files: {
      "tmp/name": "644 65534:65534 65534:65534 /\n",
      "tmp/number": "644 5:65534 5:65534 /\n",
      w: "755 0:0 /",
    },
    config: { Cmd: ["/bin/sh", "-c", "id -u"], User: "5:nogroup", WorkingDir: "/w" },
    prints: "5\n",
    differs: {
      buildah: {
        why: "buildah, like BuildKit, gives a new WORKDIR to the USER",
        files: {
          "tmp/name": "644 65534:65534 65534:65534 /\n",
          "tmp/number": "644 5:65534 5:65534 /\n",
          w: "755 5:65534 /",
        },
      },
    },
  },
  {
    name: "SHELL runs RUN and begins CMD's shell form",
    dockerfile: [
      "FROM {base}",
      'SHELL ["/bin/sh", "-c", "echo \\"$1\\" > /told; echo \\"$1\\"", "sh"]',
      "RUN hello  there",
      "CMD bye",
    ],
    files: { told: "644 0:0 hello  there\n" },
    config: {
      Cmd: ["/bin/sh", "-c", 'echo "$1" > /told; echo "$1"', "sh", "bye"],
      Shell: ["/bin/sh", "-c", 'echo "$1" > /told; echo "$1"', "sh"],
    },
    prints: "bye\n",
    differs: {
      buildah: {
        why: "buildah 1.28 keeps only the first two words of SHELL in CMD",
        orNot: true,
        config: {
          Cmd: ["/bin/sh", "-c", "bye"],
          Shell: ["/bin/sh", "-c", 'echo "$1" > /told; echo "$1"', "sh"],
        },
        prints: undefined,
      },
    },
  },
  {
    name: "a base's ONBUILD runs first in a child, and not in the child's children",
    before: { dockerfile: ["FROM {base}", "ONBUILD ARG V", "ONBUILD COPY src /src", "ONBUILD RUN cat /src/a > /$V"] },
    dockerfile: ["FROM {other} AS child", "RUN mv /built /mine", "FROM child", 'CMD ["ls", "/src"]'],
    context: { "src/a": "a" },
    request: { buildArgs: { V: "built" } },
    files: { src: "755 0:0 /", "src/a": "644 0:0 a", mine: "644 0:0 a" },
    config: { Cmd: ["ls", "/src"] },
    prints: "a\n",
  },
  {
    name: "ONBUILD is kept for the next one",
    dockerfile: ["FROM scratch", "ONBUILD RUN echo hi", "ONBUILD COPY . /app"],
    config: { OnBuild: ["RUN echo hi", "COPY . /app"] },
  },
  {
    name: "a command that fails ends the build with its exit code, and what it printed is in the log",
    dockerfile: ["FROM {base}", "RUN printf 'on %s\\n' stderr >&2 && exit 7"],
    fails: /exit 7.*(non-zero code|status|exit code):? 7/,
    log: /on stderr/,
  },
  {
    name: "stages are built from each other's results",
    dockerfile: [
      "FROM {base} AS build",
      "COPY a.txt /in",
      "RUN mkdir /out && cat /in /in > /out/twice",
      "FROM scratch",
      "COPY --from=build /out /",
    ],
    context: { "a.txt": "a" },
    files: { twice: "644 0:0 aa" },
  },
  {
    name: "what RUN changes in a VOLUME is not kept",
    dockerfile: [
      "FROM {base}",
      "COPY a.txt /data/",
      "VOLUME /data",
      "RUN echo changed > /data/a.txt && echo > /data/b",
    ],
    context: { "a.txt": "a" },
    files: { data: "755 0:0 /", "data/a.txt": "644 0:0 a" },
  },
  {
    name: "without a network RUN sees a loopback alone",
    dockerfile: ["FROM {base}", "RUN cat /proc/net/dev | grep -c : > /interfaces"],
    request: { network: "none" },
    files: { interfaces: "644 0:0 1\n" },
  },
  {
    name: "here-documents are scripts in RUN and files in COPY",
    dockerfile: [
      "FROM {base}",
      "ENV V=1",
      'COPY <<ONE <<"TWO" /etc/',
      "$V \\$V",
      "ONE",
      "$V",
      "TWO",
      "RUN <<EOF",
      "set -e",
      "A=2",
      "echo $A > /three",
      "EOF",
      "RUN cat <<-END > /four",
      "\tindented",
      "END",
    ],
    files: {
      "etc/ONE": "644 0:0 1 $V\n",
      "etc/TWO": "644 0:0 $V\n",
      three: "644 0:0 2\n",
      four: "644 0:0 indented\n",
    },
    differs: {
      docker: {
        why: "the BuildKit of Docker before 23 does not know them; ACR neither",
        fails: /unknown instruction/,
        orNot: true,
      },
      buildah: { why: "buildah before 1.33 does not know them", fails: /<<ONE/, orNot: true },
    },
  },
  {
    name: "a here-document that names its interpreter is run by that",
    dockerfile: ["FROM {base}", "RUN <<EOF", "#!/bin/cat", "said by cat", "EOF"],
    log: /said by cat\n/,
    differs: {
      docker: {
        why: "the BuildKit of Docker before 23 knows no here-documents",
        fails: /unknown instruction/,
        orNot: true,
      },
      buildah: { why: "buildah before 1.33 knows no here-documents", fails: /SAID/i, orNot: true },
    },
  },
  {
    name: "a user is in the groups that /etc/group gives it, or in the one alone that USER names",
    dockerfile: [
      "FROM {base}",
      "COPY passwd group /etc/",
      "USER app:b",
      "RUN id -G > /tmp/one",
      "USER app",
      "RUN id -G > /tmp/all",
      "CMD id -G",
    ],
    context: { passwd: "root:x:0:0::/:\napp:x:7:8::/:\n", group: "root:x:0:\nb:x:20:app,root\nc:x:21:x,app\n" },
    files: {
      "etc/passwd": "644 0:0 root:x:0:0::/:\napp:x:7:8::/:\n",
      "etc/group": "644 0:0 root:x:0:\nb:x:20:app,root\nc:x:21:x,app\n",
      "tmp/one": "644 7:20 20\n",
      "tmp/all": "644 7:8 8 20 21\n",
    },
    config: { Cmd: ["/bin/sh", "-c", "id -G"], User: "app" },
    prints: "8 20 21\n",
  },
  {
    name: "RUN --mount shows files of the context and of stages, and keeps none of them",
    dockerfile: [
      "FROM scratch AS tools",
      "COPY a.txt /tools/a",
      "FROM {base}",
      "RUN --mount=type=bind,target=/context --mount=type=bind,from=tools,source=/tools,target=/tools " +
        "--mount=type=tmpfs,target=/scratch cat /context/b.txt /tools/a > /scratch/both && cp /scratch/both /both && " +
        "! touch /context/new 2> /dev/null",
    ],
    context: { "a.txt": "a", "b.txt": "b" },
    files: { both: "644 0:0 ba" },
    differs: {
      docker: {
        why: leftFolders,
        files: { both: "644 0:0 ba", context: "755 0:0 /", scratch: "755 0:0 /", tools: "755 0:0 /" },
        orNot: true,
      },
    },
  },
  {
    name: "RUN --mount=type=cache is there again in the next RUN, and not in the image",
    dockerfile: [
      "FROM {base}",
      "ARG ID",
      "RUN --mount=type=cache,id=$ID,target=/cache echo kept > /cache/x",
      "RUN --mount=type=cache,id=$ID,target=/cache cp /cache/x /found",
    ],
    request: { buildArgs: { ID: "corpus" }, noCache: true },
    files: { found: "644 0:0 kept\n" },
    differs: { docker: { why: leftFolders, files: { found: "644 0:0 kept\n", cache: "755 0:0 /" }, orNot: true } },
  },
  {
    name: "RUN --mount=type=secret shows a secret to one command alone",
    dockerfile: [
      "FROM {base}",
      "RUN --mount=type=secret,id=key,target=/key,mode=0440 sha256sum < /key > /sum && stat -c %a /key > /mode",
      "RUN test ! -s /key",
    ],
    secrets: { key: "hidden" },
    files: {
      sum: "644 0:0 e564b4081d7a9ea4b00dada53bdae70c99b87b6fce869f0c3dd4d2bfa1e53e1c  -\n",
      mode: "644 0:0 440\n",
    },
  },
  {
    name: "arguments of the build are not in the image's environment",
    dockerfile: ["FROM {base}", "ARG TOKEN", "ENV KEPT=1", 'CMD echo "[$TOKEN][$KEPT]"'],
    request: { buildArgs: { TOKEN: "t" } },
    config: { Cmd: ["/bin/sh", "-c", 'echo "[$TOKEN][$KEPT]"'], Env: ["KEPT=1"] },
    prints: "[][1]\n",
  },
];
