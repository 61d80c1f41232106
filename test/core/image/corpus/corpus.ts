import type { DockerfileOptions } from "../../../../src/core/image/dockerfile.ts";

/** A Dockerfile as people write them, and what its build reads, worked out by hand: `class reference`, ` pinned` after a digest. */
export interface CorpusFile {
  readonly name: string;
  readonly text: string;
  readonly options?: Partial<DockerfileOptions>;
  /** In file order; undefined when BuildKit refuses the file. */
  readonly reads?: readonly string[];
}

export const pinnedDigest = `sha256:${"5e".repeat(32)}`;
const hub = "docker.io/library";

function file(
  name: string,
  lines: readonly string[],
  reads?: readonly string[],
  options?: Partial<DockerfileOptions>,
): CorpusFile {
  const text = `${lines.join("\n")}\n`;
  return { name, text, ...(reads && { reads }), ...(options && { options }) };
}

export const corpus: readonly CorpusFile[] = [
  // What the last stage stands on
  file(
    "static site",
    ["FROM nginx:1.27-alpine", "COPY dist /usr/share/nginx/html"],
    [`runtime ${hub}/nginx:1.27-alpine`],
  ),
  file(
    "Node service",
    ["FROM node:22", "WORKDIR /app", "COPY package*.json ./", "RUN npm ci", "COPY . .", 'CMD ["node", "."]'],
    [`runtime ${hub}/node:22`],
  ),
  file(
    "Python service with a user",
    ["FROM python:3.13-slim", "RUN pip install flask", "USER 1000", "EXPOSE 80/tcp"],
    [`runtime ${hub}/python:3.13-slim`],
  ),
  file(
    "base of the house",
    ["FROM acme.azurecr.io/platform/base:stable", "COPY . /app"],
    ["runtime acme.azurecr.io/platform/base:stable"],
  ),
  file(
    "registry with a port",
    ["FROM registry.acme.example:5000/base:1"],
    ["runtime registry.acme.example:5000/base:1"],
  ),
  file("IPv6 registry", ["FROM [::1]:5000/base:1"], ["runtime [::1]:5000/base:1"]),
  file("no tag is latest", ["FROM ubuntu"], [`runtime ${hub}/ubuntu:latest`]),
  file("user repository on the Hub", ["FROM bitnami/redis:7"], ["runtime docker.io/bitnami/redis:7"]),
  file(
    "deep repository",
    ["FROM mcr.microsoft.com/dotnet/nightly/sdk:9.0"],
    ["runtime mcr.microsoft.com/dotnet/nightly/sdk:9.0"],
  ),
  file("pinned", [`FROM node@${pinnedDigest}`], [`runtime ${hub}/node@${pinnedDigest} pinned`]),
  file(
    "pinned, its tag kept for people",
    [`FROM node:22@${pinnedDigest}`],
    [`runtime ${hub}/node@${pinnedDigest} pinned`],
  ),
  file("nothing below", ["FROM scratch", "ADD rootfs.tar /"], []),
  file(
    "ends without CMD, starts with licence",
    ["# Copyright Acme", "#", "", "FROM busybox:1.36"],
    [`runtime ${hub}/busybox:1.36`],
  ),
  // Stages
  file(
    "Go, two stages",
    ["FROM golang:1.23 AS build", "RUN go build -o /app", "FROM scratch", "COPY --from=build /app /app"],
    [`buildtime ${hub}/golang:1.23`],
  ),
  file(
    ".NET, three stages",
    [
      "FROM mcr.microsoft.com/dotnet/aspnet:9.0 AS base",
      "FROM mcr.microsoft.com/dotnet/sdk:9.0 AS build",
      "RUN dotnet publish",
      "FROM base AS final",
      "COPY --from=build /out .",
    ],
    ["runtime mcr.microsoft.com/dotnet/aspnet:9.0", "buildtime mcr.microsoft.com/dotnet/sdk:9.0"],
  ),
  file(
    "Java, unnamed stages by index",
    ["FROM maven:3", "RUN mvn package", "FROM eclipse-temurin:21-jre", "COPY --from=0 /target/app.jar /"],
    [`buildtime ${hub}/maven:3`, `runtime ${hub}/eclipse-temurin:21-jre`],
  ),
  file(
    "test stage nobody needs",
    [
      "FROM node:22 AS build",
      "FROM cypress/included:13 AS test",
      "COPY --from=build . .",
      "FROM nginx",
      "COPY --from=build /dist /srv",
    ],
    [`buildtime ${hub}/node:22`, `runtime ${hub}/nginx:latest`],
  ),
  file(
    "the test stage as target",
    ["FROM node:22 AS build", "FROM cypress/included:13 AS test", "COPY --from=build . .", "FROM nginx"],
    [`buildtime ${hub}/node:22`, "runtime docker.io/cypress/included:13"],
    { target: "test" },
  ),
  file("target in another case", ["FROM a:1 AS One", "FROM b:1"], [`runtime ${hub}/a:1`], { target: "oNE" }),
  file(
    "a diamond of stages",
    ["FROM a:1 AS base", "FROM base AS l", "FROM base AS r", "FROM scratch", "COPY --from=l x x", "COPY --from=r y y"],
    [`buildtime ${hub}/a:1`],
  ),
  file("an alias that hides an image", ["FROM alpine:3 AS node", "FROM node"], [`runtime ${hub}/alpine:3`]),
  file(
    "an alias that comes too late",
    ["FROM node", "FROM alpine:3 AS node", "FROM scratch", "COPY --from=0 a a"],
    [`buildtime ${hub}/node:latest`],
  ),
  file("one alias twice", ["FROM a:1 AS s", "FROM b:1 AS s", "FROM s"], [`runtime ${hub}/b:1`]),
  file("alias written large, used small", ["FROM a:1 AS BASE", "FROM base"], [`runtime ${hub}/a:1`]),
  file("alias with dots and dashes", ["FROM a:1 AS x.y-z_1", "FROM x.y-z_1"], [`runtime ${hub}/a:1`]),
  file("a number is an image to FROM", ["FROM a:1", "FROM 0"], [`runtime ${hub}/0:latest`]),
  file("the base is a source as well", ["FROM a:1 AS x", "FROM a:1", "COPY --from=x b b"], [`runtime ${hub}/a:1`]),
  // Variables
  file("version in an ARG", ["ARG VERSION=22", "FROM node:${VERSION}"], [`runtime ${hub}/node:22`]),
  file("version from outside", ["ARG VERSION=22", "FROM node:$VERSION"], [`runtime ${hub}/node:24`], {
    buildArgs: { VERSION: "24" },
  }),
  file("empty from outside is not absent", ["ARG VERSION=22", "FROM node:${VERSION:-20}"], [`runtime ${hub}/node:20`], {
    buildArgs: { VERSION: "" },
  }),
  file("an ARG nobody declared", ["FROM node:${VERSION:-20}"], [`runtime ${hub}/node:20`], {
    buildArgs: { VERSION: "24" },
  }),
  file(
    "the whole name in an ARG",
    ["ARG BASE=acme.azurecr.io/base:1", "FROM $BASE", "ARG BASE"],
    ["runtime acme.azurecr.io/base:1"],
  ),
  file(
    "registry, name and tag",
    ["ARG R=acme.azurecr.io", "ARG T=1", "FROM ${R}/base:${T}"],
    ["runtime acme.azurecr.io/base:1"],
  ),
  file("ARG on ARG", ["ARG A=1", "ARG B=$A.2", "FROM a:$B"], [`runtime ${hub}/a:1.2`]),
  file("several on one line", ["ARG A=1 B=2", "FROM a:$B"], [`runtime ${hub}/a:2`]),
  file("said twice", ["ARG A=1", "ARG A=2", "FROM a:$A"], [`runtime ${hub}/a:2`]),
  file("said in a stage", ["ARG A=1", "FROM a:$A AS x", "ARG A=2", "FROM b:$A"], [`runtime ${hub}/b:1`]),
  file("quoted default", ['ARG A="1"', "FROM a:$A"], [`runtime ${hub}/a:1`]),
  file("quoted FROM", ['FROM "a:1"'], [`runtime ${hub}/a:1`]),
  file("default in a default", ["FROM ${A:-${B:-a:1}}"], [`runtime ${hub}/a:1`]),
  file("alternative when set", ["ARG DEBUG=1", "FROM a:1${DEBUG:+-debug}"], [`runtime ${hub}/a:1-debug`]),
  file("prefix cut off", ["ARG V=v1.2", "FROM a:${V#v}"], [`runtime ${hub}/a:1.2`]),
  file("suffix cut off", ["ARG V=1.2.3", "FROM a:${V%.*}"], [`runtime ${hub}/a:1.2`]),
  file("longest suffix cut off", ["ARG V=1.2.3", "FROM a:${V%%.*}"], [`runtime ${hub}/a:1`]),
  file("replaced", ["ARG V=1+2+3", "FROM a:${V//+/_}"], [`runtime ${hub}/a:1_2_3`]),
  file(
    "a stage by variable",
    ["ARG FROM_STAGE=dev", "FROM a:1 AS dev", "FROM b:1 AS prod", "FROM ${FROM_STAGE}"],
    [`runtime ${hub}/a:1`],
  ),
  file(
    "the builder's platform",
    ["FROM --platform=$BUILDPLATFORM golang:1 AS b", "FROM alpine:3", "COPY --from=b x x"],
    [`buildtime ${hub}/golang:1`, `runtime ${hub}/alpine:3`],
  ),
  file("architecture in the tag", ["FROM a:$TARGETARCH$TARGETVARIANT"], [`runtime ${hub}/a:armv7`], {
    platform: "linux/arm/v7",
  }),
  file("a variable that is missing", ["FROM a:$NOPE"]),
  file("a variable that must be given", ["ARG V", "FROM a:${V:?say which}"]),
  file("a name that is empty", ["ARG V=", "FROM $V"]),
  // Sources
  file(
    "a tool from its image",
    ["FROM debian:12", "COPY --from=ghcr.io/astral-sh/uv:0.5 /uv /bin/"],
    [`runtime ${hub}/debian:12`, "buildtime ghcr.io/astral-sh/uv:0.5"],
  ),
  file(
    "a tool from a pinned image",
    ["FROM debian:12", `COPY --from=busybox:1@${pinnedDigest} /bin/sh /`],
    [`runtime ${hub}/debian:12`, `buildtime ${hub}/busybox@${pinnedDigest} pinned`],
  ),
  file(
    "from behind other flags",
    ["FROM a:1", "COPY --chown=1:1 --chmod=755 --from=b:1 x y"],
    [`runtime ${hub}/a:1`, `buildtime ${hub}/b:1`],
  ),
  file(
    "a mount from an image",
    ["FROM a:1", "RUN --mount=type=bind,from=b:1,target=/b true"],
    [`runtime ${hub}/a:1`, `buildtime ${hub}/b:1`],
  ),
  file(
    "a mount from a stage",
    ["FROM b:1 AS tools", "FROM a:1", "RUN --mount=from=tools,target=/t true"],
    [`buildtime ${hub}/b:1`, `runtime ${hub}/a:1`],
  ),
  file(
    "mount keys written large",
    ["FROM a:1", "RUN --mount=TYPE=bind,FROM=b:1,TARGET=/b true"],
    [`runtime ${hub}/a:1`, `buildtime ${hub}/b:1`],
  ),
  file(
    "a mount with quoted fields",
    ["FROM a:1", `RUN --mount='"from=b:1",target=/b' true`],
    [`runtime ${hub}/a:1`, `buildtime ${hub}/b:1`],
  ),
  file(
    "cache and secret mounts",
    ["FROM a:1", "RUN --mount=type=cache,target=/c --mount=type=secret,id=s true"],
    [`runtime ${hub}/a:1`],
  ),
  file("from scratch", ["FROM a:1", "COPY --from=scratch x y"], [`runtime ${hub}/a:1`]),
  file("ADD has no from", ["FROM a:1", "ADD https://acme.example/x.tar /"], [`runtime ${hub}/a:1`]),
  file(
    "a number to a mount is an image",
    ["FROM b:1", "FROM a:1", "RUN --mount=from=0,target=/x true"],
    [`runtime ${hub}/a:1`, `buildtime ${hub}/0:latest`],
  ),
  file(
    "triggers run in the stage above",
    ["FROM a:1 AS base", "ONBUILD COPY --from=b:1 x y", "FROM base"],
    [`runtime ${hub}/a:1`, `buildtime ${hub}/b:1`],
  ),
  file("triggers for others", ["FROM a:1", "ONBUILD COPY --from=b:1 x y"], [`runtime ${hub}/a:1`]),
  file("a variable in COPY", ["ARG V=1", "FROM a:1", "COPY --from=b:$V x y"]),
  file("a variable in a mount", ["FROM a:1", "RUN --mount=from=b:$V,target=/x true"]),
  file("an index beyond the end", ["FROM a:1", "COPY --from=3 x y"]),
  file("from a stage that comes later", ["FROM a:1 AS one", "COPY --from=two x y", "FROM one AS two", "FROM two"]),
  // Lines, comments, heredocs
  file("FROM over several lines", ["FROM \\", "  a:1 \\", "  AS x", "FROM x"], [`runtime ${hub}/a:1`]),
  file("a comment inside a RUN", ["FROM a:1", "RUN x && \\", "# FROM b:1", "  y"], [`runtime ${hub}/a:1`]),
  file("SQL in a RUN", ["FROM a:1", "RUN psql -c 'SELECT x \\", "  FROM users'"], [`runtime ${hub}/a:1`]),
  file(
    "Windows with a backtick",
    ["# escape=`", "FROM mcr.microsoft.com/windows/nanoserver:ltsc2022", "COPY x C:\\", "RUN dir `", "  C:\\"],
    ["runtime mcr.microsoft.com/windows/nanoserver:ltsc2022"],
  ),
  file(
    "small letters and tabs",
    ["from\ta:1\tas\tx", "copy --from=b:1 x y"],
    [`runtime ${hub}/a:1`, `buildtime ${hub}/b:1`],
  ),
  file(
    "a script in a heredoc",
    ["FROM a:1", "RUN <<EOF", "FROM b:1", "COPY --from=c:1 x y", "EOF"],
    [`runtime ${hub}/a:1`],
  ),
  file(
    "a Dockerfile in a heredoc",
    ["FROM a:1", "COPY <<-'EOF' /Dockerfile", "FROM b:1", "\tEOF", "COPY --from=c:1 x y"],
    [`runtime ${hub}/a:1`, `buildtime ${hub}/c:1`],
  ),
  file(
    "two heredocs",
    ["FROM a:1", "COPY <<one <<two /x/", "FROM b:1", "one", "FROM c:1", "two"],
    [`runtime ${hub}/a:1`],
  ),
  file(
    "a heredoc in exec form is none",
    ["FROM a:1", 'RUN ["cat", "<<EOF"]', "COPY --from=b:1 x y"],
    [`runtime ${hub}/a:1`, `buildtime ${hub}/b:1`],
  ),
  file("a heredoc left open", ["FROM a:1", "RUN <<EOF", "true"]),
  file("a comment behind FROM", ["FROM a:1 # the base"]),
  file("AS without a name", ["FROM a:1 AS"]),
  file("two escape directives", ["# escape=`", "# escape=`", "FROM a:1"]),
  file("an ARG without a name", ["ARG", "FROM a:1"]),
  file("RUN before FROM", ["RUN true", "FROM a:1"]),
  // Frontends
  file(
    "syntax directive",
    ["# syntax=docker/dockerfile:1", "FROM a:1"],
    ["frontend docker.io/docker/dockerfile:1", `runtime ${hub}/a:1`],
  ),
  file(
    "pinned syntax directive",
    [`# syntax=docker/dockerfile:1@${pinnedDigest}`, "FROM a:1"],
    [`frontend docker.io/docker/dockerfile@${pinnedDigest} pinned`, `runtime ${hub}/a:1`],
  ),
  file(
    "syntax after a comment is a comment",
    ["# hello", "# syntax=docker/dockerfile:1", "FROM a:1"],
    [`runtime ${hub}/a:1`],
  ),
  file(
    "syntax behind a shebang",
    ["#!/usr/bin/env docker", "# syntax=docker/dockerfile:1", "FROM a:1"],
    ["frontend docker.io/docker/dockerfile:1", `runtime ${hub}/a:1`],
  ),
  file("syntax by build arg", ["FROM a:1"], ["frontend docker.io/docker/dockerfile:1", `runtime ${hub}/a:1`], {
    buildArgs: { BUILDKIT_SYNTAX: "docker/dockerfile:1" },
  }),
  file("another language", ["// syntax=acme.azurecr.io/front:1", "package main"], ["frontend acme.azurecr.io/front:1"]),
];
