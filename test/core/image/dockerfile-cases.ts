import type { DockerfileOptions } from "../../../src/core/image/dockerfile.ts";

/** A Dockerfile and what BuildKit would read from registries to build it, worked out by hand from its source. */
export interface DockerfileCase {
  readonly name: string;
  readonly text: string;
  readonly options?: Partial<DockerfileOptions>;
  /** `class reference instruction:line`, in file order. */
  readonly dependencies?: readonly string[];
  /** `line: part of the message`, all of them. */
  readonly warnings?: readonly string[];
  /** Refused on this line, with this in the message. */
  readonly refused?: { readonly line: number; readonly message: string };
  /** Why dockerfile-ast sees other FROM or COPY --from words here. */
  readonly astDiffers?: string;
}

const digest = `sha256:${"ab".repeat(32)}`;

export const dockerfileCases: readonly DockerfileCase[] = [
  {
    name: "the first Dockerfile of the ACR tutorial",
    text: "FROM mcr.microsoft.com/hello-world",
    dependencies: ["runtime mcr.microsoft.com/hello-world:latest FROM:1"],
    warnings: [],
  },
  {
    name: "official image on Docker Hub",
    text: "FROM node:20-alpine\nRUN npm ci\n",
    dependencies: ["runtime docker.io/library/node:20-alpine FROM:1"],
    warnings: [],
  },
  {
    name: "instructions in any case, with indent, tabs and CRLF",
    text: "  from\talpine:3.20  \r\n\tCoPy a b\r\n",
    dependencies: ["runtime docker.io/library/alpine:3.20 FROM:1"],
  },
  {
    name: "byte order mark",
    text: "\uFEFFFROM alpine",
    dependencies: ["runtime docker.io/library/alpine:latest FROM:1"],
  },
  {
    name: "no line end at all after a comment and blank lines",
    text: "\n# hello\n\n   # FROM nothing\nFROM alpine",
    dependencies: ["runtime docker.io/library/alpine:latest FROM:5"],
  },
  {
    name: "two stages: builder is build time, last stage is runtime",
    text: "FROM golang:1.23 AS build\nRUN go build\nFROM gcr.io/distroless/static\nCOPY --from=build /app /app\n",
    dependencies: ["buildtime docker.io/library/golang:1.23 FROM:1", "runtime gcr.io/distroless/static:latest FROM:3"],
    warnings: [],
  },
  {
    name: "a chain of stages stands on the first image",
    text: "FROM debian:12 AS base\nFROM base AS deps\nFROM deps\n",
    dependencies: ["runtime docker.io/library/debian:12 FROM:1"],
  },
  {
    name: "stages the target does not need are left out",
    text: "FROM golang AS unused\nFROM node AS other\nFROM alpine\n",
    dependencies: ["runtime docker.io/library/alpine:latest FROM:3"],
  },
  {
    name: "target in the middle, named in another case",
    text: "FROM golang AS build\nFROM node AS Test\nCOPY --from=build a b\nFROM alpine\n",
    options: { target: "tEST" },
    dependencies: ["buildtime docker.io/library/golang:latest FROM:1", "runtime docker.io/library/node:latest FROM:2"],
  },
  {
    name: "target that does not exist",
    text: "FROM alpine AS a\n",
    options: { target: "b" },
    refused: { line: 1, message: 'no stage "b"' },
  },
  {
    name: "a stage name hides an image of the same name from there on",
    text: "FROM alpine AS node\nFROM node\n",
    dependencies: ["runtime docker.io/library/alpine:latest FROM:1"],
  },
  {
    name: "a later stage name hides nothing",
    text: "FROM node AS app\nFROM alpine AS node\nFROM app\n",
    dependencies: ["runtime docker.io/library/node:latest FROM:1"],
  },
  {
    name: "FROM compares with the lower-case name",
    text: "FROM alpine AS Build\nFROM build\n",
    dependencies: ["runtime docker.io/library/alpine:latest FROM:1"],
    warnings: ["2: compares stage names by case"],
  },
  {
    name: "FROM with the name as written in upper case is an invalid image",
    text: "FROM alpine AS Build\nFROM Build\n",
    refused: { line: 2, message: "must be lower case" },
  },
  {
    name: "a number in FROM is an image",
    text: "FROM alpine\nFROM 0\n",
    dependencies: ["runtime docker.io/library/0:latest FROM:2"],
  },
  {
    name: "scratch is no dependency",
    text: "FROM golang AS build\nFROM scratch\nCOPY --from=build /a /a\n",
    dependencies: ["buildtime docker.io/library/golang:latest FROM:1"],
  },
  {
    name: "pinned by digest, tag dropped",
    text: `FROM alpine:3@${digest}\n`,
    dependencies: [`runtime docker.io/library/alpine@${digest} FROM:1`],
  },
  {
    name: "port, Hub aliases, and one reference written three ways",
    text: "FROM index.docker.io/library/node AS a\nFROM docker.io/node:latest AS b\nFROM localhost:5000/x/y:1\nCOPY --from=a a a\nCOPY --from=b b b\nCOPY --from=node c c\n",
    dependencies: ["buildtime docker.io/library/node:latest FROM:1", "runtime localhost:5000/x/y:1 FROM:3"],
  },
  {
    name: "global ARG with default",
    text: "ARG TAG=20\nFROM node:$TAG\n",
    dependencies: ["runtime docker.io/library/node:20 FROM:2"],
    warnings: [],
  },
  {
    name: "build arg replaces the default",
    text: "ARG TAG=20\nFROM node:${TAG}\n",
    options: { buildArgs: { TAG: "22" } },
    dependencies: ["runtime docker.io/library/node:22 FROM:2"],
  },
  {
    name: "build arg without a global ARG changes nothing",
    text: "FROM node:${TAG:-18}\nARG TAG\n",
    options: { buildArgs: { TAG: "22" } },
    dependencies: ["runtime docker.io/library/node:18 FROM:1"],
    warnings: ["1: operators"],
  },
  {
    name: "an ARG inside a stage is not seen by the next FROM",
    text: "FROM alpine\nARG TAG=20\nFROM node:$TAG\n",
    refused: { line: 3, message: "TAG, which has no value" },
  },
  {
    name: "ARGs that use ARGs, several on a line, the last one wins",
    text: 'ARG REG=acme.azurecr.io TAG="1.0"\nARG BASE=$REG/base:${TAG}\nARG TAG=2.0\nFROM ${BASE}\nFROM x:$TAG\n',
    dependencies: ["runtime docker.io/library/x:2.0 FROM:5"],
    warnings: ["1: first name of an ARG line", "3: first default"],
  },
  {
    name: "nested defaults and quotes",
    text: "ARG A\nFROM \"${A:-${B:-busybox}}\":'1'\n",
    dependencies: ["runtime docker.io/library/busybox:1 FROM:2"],
    warnings: ["2: operators"],
    astDiffers: "keeps quotes",
  },
  {
    name: "prefix, suffix and replacement operators",
    text: "ARG V=v1.2.3\nFROM a:${V#v} AS a\nFROM b:${V%.*} AS b\nFROM c:${V%%.*} AS c\nFROM d:${V/./-} AS d\nFROM e:${V//./-} AS e\nFROM f:${V##*.} AS f\nFROM scratch\nCOPY --from=a a a\nCOPY --from=b a a\nCOPY --from=c a a\nCOPY --from=d a a\nCOPY --from=e a a\nCOPY --from=f a a\n",
    dependencies: [
      "buildtime docker.io/library/a:1.2.3 FROM:2",
      "buildtime docker.io/library/b:v1.2 FROM:3",
      "buildtime docker.io/library/c:v1 FROM:4",
      "buildtime docker.io/library/d:v1-2.3 FROM:5",
      "buildtime docker.io/library/e:v1-2-3 FROM:6",
      "buildtime docker.io/library/f:3 FROM:7",
    ],
  },
  {
    name: "${V:?message} without a value",
    text: "ARG V\nFROM a:${V:?give-a-version}\n",
    refused: { line: 2, message: "V: give-a-version" },
  },
  {
    name: "FROM that expands to nothing",
    text: "ARG X=\nFROM $X\n",
    refused: { line: 2, message: "empty" },
  },
  {
    name: "platform variables",
    text: "FROM --platform=$BUILDPLATFORM golang:1-$TARGETARCH AS b\nFROM x:$TARGETOS-$TARGETARCH$TARGETVARIANT\nCOPY --from=b a a\n",
    options: { platform: "linux/arm/v7" },
    dependencies: ["buildtime docker.io/library/golang:1-arm FROM:1", "runtime docker.io/library/x:linux-armv7 FROM:2"],
    warnings: ["1: flags of FROM", "1: TARGETARCH", "1: needs BuildKit", "2: TARGETOS"],
  },
  {
    name: "one word or three, so no comment behind FROM",
    text: "FROM alpine # the base\n",
    refused: { line: 1, message: "neither" },
  },
  { name: "FROM with nothing", text: "FROM\n", refused: { line: 1, message: "neither" } },
  {
    name: "AS without a valid name",
    text: "FROM alpine AS 1st\n",
    refused: { line: 1, message: "cannot name a stage" },
  },
  {
    name: "continued FROM with a comment and a blank line inside",
    text: "FROM \\\n  # not an argument\n\n  alpine:3 \\\n  AS x\nRUN true\n",
    dependencies: ["runtime docker.io/library/alpine:3 FROM:1"],
    warnings: ["1: next line"],
  },
  {
    name: "a line of SQL in a continued RUN is no FROM",
    text: 'FROM alpine\nRUN psql -c "SELECT a \\\n  FROM b"\nRUN true\n',
    dependencies: ["runtime docker.io/library/alpine:latest FROM:1"],
    warnings: ["3: inside a continued instruction"],
  },
  {
    name: "an escaped escape character at the end does not continue the line",
    text: "FROM alpine AS a\nRUN dir C:\\\\\nFROM busybox\n",
    dependencies: ["runtime docker.io/library/busybox:latest FROM:3"],
    astDiffers: "continues the line",
  },
  {
    name: "backtick as escape character",
    text: "# escape=`\nFROM mcr.microsoft.com/windows/nanoserver `\n  AS w\nRUN dir c:\\\nFROM w\n",
    dependencies: ["runtime mcr.microsoft.com/windows/nanoserver:latest FROM:2"],
    warnings: ["2: next line"],
  },
  {
    name: "a directive after a comment is a comment",
    text: "# hello\n# escape=`\nFROM \\\nalpine\n",
    dependencies: ["runtime docker.io/library/alpine:latest FROM:3"],
    warnings: ["3: next line"],
  },
  {
    name: "a directive twice",
    text: "# escape=`\n# ESCAPE=\\\nFROM alpine\n",
    refused: { line: 2, message: "only one escape" },
    astDiffers: "accepts it",
  },
  {
    name: "a bad escape character",
    text: "# escape=x\nFROM alpine\n",
    refused: { line: 1, message: "backtick" },
  },
  {
    name: "syntax image, cut at the first blank, together with check and escape",
    text: "# check=skip=all\n#Syntax = docker/dockerfile:1.7-labs debug\n# escape=\\\nFROM alpine\n",
    dependencies: [
      "frontend docker.io/docker/dockerfile:1.7-labs syntax:2",
      "runtime docker.io/library/alpine:latest FROM:4",
    ],
    warnings: ["2: a syntax directive needs BuildKit"],
  },
  {
    name: "syntax behind a blank line is a comment",
    text: "\n# syntax=docker/dockerfile:1\nFROM alpine\n",
    dependencies: ["runtime docker.io/library/alpine:latest FROM:3"],
    warnings: [],
  },
  {
    name: "syntax behind a shebang",
    text: "#!/usr/bin/env -S docker build\n# syntax=docker/dockerfile:1\nFROM alpine\n",
    dependencies: ["frontend docker.io/docker/dockerfile:1 syntax:2", "runtime docker.io/library/alpine:latest FROM:3"],
  },
  {
    name: "syntax with slashes, in a language we do not know",
    text: "// syntax=acme.azurecr.io/frontend/go:1\npackage main\n",
    dependencies: ["frontend acme.azurecr.io/frontend/go:1 syntax:1"],
    warnings: ["1: //", "1: syntax directive", "1: there is no FROM", "2: PACKAGE"],
    astDiffers: "other language",
  },
  {
    name: "syntax in JSON",
    text: '{"syntax": "acme.azurecr.io/frontend/json:1"}',
    dependencies: ["frontend acme.azurecr.io/frontend/json:1 syntax:1"],
    astDiffers: "other language",
  },
  {
    name: "BUILDKIT_SYNTAX replaces the directive",
    text: "# syntax=docker/dockerfile:1\nFROM alpine\n",
    options: { buildArgs: { BUILDKIT_SYNTAX: "docker/dockerfile:2 x" } },
    dependencies: ["frontend docker.io/docker/dockerfile:2 syntax:1", "runtime docker.io/library/alpine:latest FROM:2"],
  },
  {
    name: "heredocs hide what is in them",
    text: "FROM alpine\nRUN <<A cat && <<-'B' sh\nFROM one\nA\nFROM two\n\tB\nCOPY <<C /x\nFROM three\nC\nCOPY --from=busybox a b\n",
    dependencies: [
      "runtime docker.io/library/alpine:latest FROM:1",
      "buildtime docker.io/library/busybox:latest COPY:10",
    ],
    warnings: ["2: heredoc needs BuildKit", "3: inside a heredoc", "5: inside a heredoc", "8: inside a heredoc"],
  },
  {
    name: "no heredoc in quotes, in exec form, in other instructions, or after <<<",
    text: 'FROM alpine\nRUN echo "<<A"\nRUN ["echo", "<<A"]\nLABEL a=<<A\nRUN cat <<<A\nRUN echo $((1<<2))x\nCOPY --from=busybox a b\n',
    dependencies: [
      "runtime docker.io/library/alpine:latest FROM:1",
      "buildtime docker.io/library/busybox:latest COPY:7",
    ],
    warnings: [],
  },
  {
    name: "a heredoc that never ends",
    text: "FROM alpine\nRUN <<EOF\nEOF2\n",
    refused: { line: 2, message: "not closed" },
    astDiffers: "accepts it",
  },
  {
    name: "COPY --from by index, name in any case, and image; the flag anywhere before the arguments",
    text: 'FROM golang AS Build\nFROM node\nFROM alpine\nCOPY --chown=1:1 --from=0 a b\nCOPY --link --from=bUILD a b\ncopy --from=nginx:1 --chmod=755 ["a", "b"]\nCOPY a --from=ghost:1 b\n',
    dependencies: [
      "buildtime docker.io/library/golang:latest FROM:1",
      "runtime docker.io/library/alpine:latest FROM:3",
      "buildtime docker.io/library/nginx:1 COPY:6",
    ],
    warnings: ["5: COPY --link", "6: COPY --chmod"],
  },
  {
    name: "COPY --from with an index that does not exist",
    text: "FROM alpine\nCOPY --from=1 a b\n",
    refused: { line: 2, message: "no stage with that index" },
  },
  {
    name: "COPY --from with a variable",
    text: "ARG V=1\nFROM alpine\nCOPY --from=node:${V} a b\n",
    refused: { line: 3, message: "variables are not allowed" },
  },
  {
    name: "COPY --from a stage that comes later",
    text: "FROM alpine\nCOPY --from=late a b\nFROM busybox AS late\nFROM alpine AS last\nCOPY --from=0 a b\n",
    refused: { line: 2, message: "not finished" },
  },
  {
    name: "COPY --from a later stage does not matter where nothing is built",
    text: "FROM busybox AS unused\nCOPY --from=late a b\nFROM alpine AS late\n",
    dependencies: ["runtime docker.io/library/alpine:latest FROM:3"],
  },
  {
    name: "COPY --from the stage itself",
    text: "FROM alpine AS me\nCOPY --from=me a b\n",
    refused: { line: 2, message: "not finished" },
  },
  {
    name: "two --from flags",
    text: "FROM alpine\nCOPY --from=a --from=b a b\n",
    refused: { line: 2, message: "two --from" },
  },
  {
    name: "RUN --mount from images and stages, keys in any case, quoted fields",
    text: 'FROM golang AS tools\nFROM alpine\nRUN --mount=type=bind,FROM=tools,target=/t --mount="type=bind,from=acme.azurecr.io/x:1,target=/x" --mount=type=cache,target=/c true\nRUN --mount=\\"from=y:2\\",target=/y true\n',
    dependencies: [
      "buildtime docker.io/library/golang:latest FROM:1",
      "runtime docker.io/library/alpine:latest FROM:2",
      "buildtime acme.azurecr.io/x:1 RUN:3",
      "buildtime docker.io/library/y:2 RUN:4",
    ],
    warnings: ["3: RUN --mount needs BuildKit"],
  },
  {
    name: "a number in RUN --mount from is an image",
    text: "FROM alpine\nRUN --mount=from=0,target=/x true\n",
    dependencies: ["runtime docker.io/library/alpine:latest FROM:1", "buildtime docker.io/library/0:latest RUN:2"],
  },
  {
    name: "RUN --mount from with a variable",
    text: "FROM alpine\nRUN --mount=from=$X,target=/x true\n",
    refused: { line: 2, message: "variables are not allowed" },
  },
  {
    name: "a secret mount with from",
    text: "FROM alpine\nRUN --mount=type=secret,id=a,from=b true\n",
    refused: { line: 2, message: "secret" },
  },
  {
    name: "ONBUILD counts for the stage built on it, not for its own",
    text: "FROM alpine AS base\nONBUILD COPY --from=nginx:1 a b\nONBUILD RUN --mount=from=tools,target=/t true\nFROM golang AS tools\nFROM base\n",
    dependencies: [
      "runtime docker.io/library/alpine:latest FROM:1",
      "buildtime docker.io/library/nginx:1 COPY:2",
      "buildtime docker.io/library/golang:latest FROM:4",
    ],
  },
  {
    name: "ONBUILD in the target is for others, whatever it names",
    text: "FROM alpine\nONBUILD COPY --from=7 a b\nONBUILD COPY --from=$X a b\n",
    dependencies: ["runtime docker.io/library/alpine:latest FROM:1"],
    warnings: [],
  },
  { name: "ONBUILD FROM", text: "FROM alpine\nONBUILD FROM x\n", refused: { line: 2, message: "ONBUILD FROM" } },
  {
    name: "the same image as base and as source is runtime, once",
    text: "FROM node:20 AS deps\nFROM docker.io/library/node:20\nCOPY --from=deps a b\nCOPY --from=node:20 a b\n",
    dependencies: ["runtime docker.io/library/node:20 FROM:2"],
  },
  { name: "an empty file", text: "", refused: { line: 1, message: "no FROM" } },
  {
    name: "only ARG before the first FROM",
    text: "ARG A\nRUN true\nFROM alpine\n",
    refused: { line: 2, message: "RUN stands before" },
  },
  {
    name: "an instruction nobody knows",
    text: "FROM alpine\nINCLUDE other\n",
    dependencies: ["runtime docker.io/library/alpine:latest FROM:1"],
    warnings: ["2: INCLUDE"],
  },
  {
    name: "a URL as image",
    text: "FROM https://acme.azurecr.io/x\n",
    refused: { line: 1, message: "scheme" },
  },
  {
    name: "a line longer than BuildKit reads",
    text: `FROM alpine\nRUN echo ${"x".repeat(70_000)}\n`,
    refused: { line: 2, message: "longer than" },
  },
  {
    name: "two stages of one name: FROM takes the one above, COPY the last",
    text: "FROM a:1 AS s\nFROM s AS t\nFROM b:1 AS s\nFROM t\nCOPY --from=s a b\n",
    dependencies: ["runtime docker.io/library/a:1 FROM:1", "buildtime docker.io/library/b:1 FROM:3"],
  },
];
