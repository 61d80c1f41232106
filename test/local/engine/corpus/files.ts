import { gzipSync } from "node:zlib";
import { type Header, pack } from "tar-stream";
import type { Case } from "./case.ts";

async function tar(
  entries: readonly (readonly [header: Partial<Header> & { name: string }, content?: string])[],
): Promise<Buffer> {
  const archive = pack();
  for (const [header, content] of entries) archive.entry({ mtime: new Date(0), ...header }, content ?? "");
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const archive = await tar([
  [{ name: "in/", type: "directory", mode: 0o750, uid: 7, gid: 8 }],
  [{ name: "in/side", mode: 0o4600, uid: 5, gid: 6 }, "packed"],
  [{ name: "in/link", type: "symlink", linkname: "side" }],
]);

const many = {
  "a.txt": "a",
  "b.txt": "b",
  c1: "c1",
  "dir/sub/x": "x",
  "dir/y": "y",
  "with space": "s",
};

/** How files come into an image, from the context, other stages, images and archives. */
export const files: readonly Case[] = [
  {
    name: "COPY keeps modes, links, empty folders and dotfiles, and everything is root's",
    dockerfile: ["FROM scratch", "COPY . /data/"],
    context: {
      ".dockerignore": "Dockerfile\n.dockerignore\n",
      ".dot": "d",
      tool: { text: "t", mode: 0o755 },
      private: { text: "p", mode: 0o600 },
      sticky: { folder: true, mode: 0o1777 },
      "folder/empty": { folder: true, mode: 0o700 },
      "folder/.hidden/x": "x",
      link: { link: "tool" },
      dangling: { link: "/no/where" },
      around: { link: "folder" },
    },
    files: {
      data: "755 0:0 /",
      "data/.dot": "644 0:0 d",
      "data/tool": "755 0:0 t",
      "data/private": "600 0:0 p",
      "data/sticky": "1777 0:0 /",
      "data/folder": "755 0:0 /",
      "data/folder/empty": "700 0:0 /",
      "data/folder/.hidden": "755 0:0 /",
      "data/folder/.hidden/x": "644 0:0 x",
      "data/link": "0:0 -> tool",
      "data/dangling": "0:0 -> /no/where",
      "data/around": "0:0 -> folder",
    },
  },
  {
    name: "COPY names files, folders' contents and patterns, and merges folders",
    dockerfile: [
      "FROM scratch",
      "COPY a.txt /new/",
      "COPY a.txt /renamed",
      "COPY dir /tree",
      "COPY a.txt /tree",
      "COPY *.txt [b-d]? /many/",
      'COPY ["with space", "/space"]',
      "COPY dir/sub dir/y /tree/",
    ],
    context: many,
    files: {
      new: "755 0:0 /",
      "new/a.txt": "644 0:0 a",
      renamed: "644 0:0 a",
      tree: "755 0:0 /",
      "tree/sub": "755 0:0 /",
      "tree/sub/x": "644 0:0 x",
      "tree/x": "644 0:0 x",
      "tree/y": "644 0:0 y",
      "tree/a.txt": "644 0:0 a",
      many: "755 0:0 /",
      "many/a.txt": "644 0:0 a",
      "many/b.txt": "644 0:0 b",
      "many/c1": "644 0:0 c1",
      space: "644 0:0 s",
    },
  },
  {
    name: "a folder's contents do not take the place of a file",
    dockerfile: ["FROM scratch", "COPY a.txt /x", "COPY many /x"],
    context: { "a.txt": "a", "many/b": "b" },
    fails: /not a (?:folder|directory)|non-directory|is not a dir/,
  },
  {
    name: "several sources need a folder to go to",
    dockerfile: ["FROM scratch", "COPY a.txt b.txt /one"],
    context: many,
    fails: /end.*\/|directory/,
    differs: {
      buildah: {
        why: "buildah 1.28 makes the folder all the same",
        orNot: true,
        fails: undefined,
        files: { one: "755 0:0 /", "one/a.txt": "644 0:0 a", "one/b.txt": "644 0:0 b" },
      },
    },
  },
  {
    name: "--chown gives to users by number and by name, and to their group when it says one",
    dockerfile: [
      "FROM {base}",
      "COPY --chown=5:6 a.txt /numbers",
      "COPY --chown=7 a.txt /number",
      "COPY --chown=root:nogroup dir /names",
    ],
    context: { "a.txt": "a", "dir/y": "y" },
    files: {
      numbers: "644 5:6 a",
      number: "644 7:7 a",
      names: "755 0:65534 /",
      "names/y": "644 0:65534 y",
    },
  },
  {
    name: "--chown with a user's name alone takes the number of the user for the group",
    dockerfile: ["FROM {base}", "COPY --chown=nobody a.txt /a"],
    context: { "a.txt": "a" },
    files: { a: "644 65534:65534 a" },
    differs: { docker: { why: "the classic builder looks for a group of that name", fails: /group.*nobody/ } },
  },
  {
    name: "--chown of a user that the image does not have fails the build",
    dockerfile: ["FROM {base}", "COPY --chown=stranger a.txt /a"],
    context: { "a.txt": "a" },
    fails: /stranger/,
  },
  {
    name: "--chmod sets modes",
    dockerfile: ["FROM scratch", "COPY --chmod=0640 a.txt /a", "COPY --chmod=711 --chown=5:6 dir /dir"],
    context: { "a.txt": "a", "dir/y": "y" },
    files: { a: "640 0:0 a", dir: "755 5:6 /", "dir/y": "711 5:6 y" },
    differs: {
      "built-in": {
        why: "a copied folder itself gets the mode too",
        files: { a: "640 0:0 a", dir: "711 5:6 /", "dir/y": "711 5:6 y" },
      },
    },
  },
  {
    name: "--from takes a stage by name or number, or an image, and keeps owners",
    dockerfile: [
      "FROM scratch AS one",
      "COPY --chown=5:6 a.txt /from/a.txt",
      "FROM scratch",
      "COPY --from=one /from /by-name",
      "COPY --from=0 /from/a.txt /by-number",
      "COPY --from={base} /etc/group /group",
    ],
    context: { "a.txt": "a" },
    files: {
      "by-name": "755 0:0 /",
      "by-name/a.txt": "644 5:6 a",
      "by-number": "644 5:6 a",
      group: "644 0:0 root:x:0:\nnogroup:x:65534:\n",
    },
  },
  {
    name: "a build stops at its target",
    dockerfile: ["FROM scratch AS first", "LABEL first=1", "FROM scratch AS second", "COPY missing /"],
    request: { target: "first" },
    config: { Labels: { first: "1" } },
  },
  {
    name: "names of stages have any case",
    dockerfile: ["FROM scratch AS One", "COPY a.txt /", "FROM scratch AS Two", "COPY --from=oNE a.txt /b"],
    context: { "a.txt": "a" },
    request: { target: "two" },
    files: { b: "644 0:0 a" },
    differs: {
      buildah: { why: "buildah 1.28 compares them as they are written", orNot: true, fails: /"two" was not found/ },
    },
  },
  {
    name: "a target may be a number",
    dockerfile: ["FROM scratch", "LABEL first=1", "FROM scratch", "LABEL second=2", "FROM scratch", "COPY missing /"],
    request: { target: "1" },
    config: { Labels: { second: "2" } },
    differs: { docker: { why: "the classic builder knows names only", fails: /failed to reach build target 1/ } },
  },
  {
    name: "a target that does not exist fails the build",
    dockerfile: ["FROM scratch AS one"],
    request: { target: "nothing" },
    fails: /nothing/,
  },
  {
    name: "a stage that nothing needs is not built",
    dockerfile: ["FROM scratch AS needless", "COPY missing /", "FROM scratch", "LABEL built=1"],
    config: { Labels: { built: "1" } },
    differs: {
      docker: { why: "the classic builder, and so ACR, builds every stage up to its target", fails: /missing/ },
    },
  },
  {
    name: "ADD unpacks archives with their modes and owners, and copies what is none",
    dockerfile: ["FROM scratch", "ADD plain.tar packed.bin /here/", "ADD not.tar.gz /here/"],
    context: { "plain.tar": archive, "packed.bin": gzipSync(archive), "not.tar.gz": "not really" },
    files: {
      here: "755 0:0 /",
      "here/in": "750 7:8 /",
      "here/in/side": "4600 5:6 packed",
      "here/in/link": "0:0 -> side",
      "here/not.tar.gz": "644 0:0 not really",
    },
  },
  {
    name: "COPY does not unpack archives",
    dockerfile: ["FROM scratch", "COPY plain.tar /"],
    context: { "plain.tar": archive },
    files: { "plain.tar": `644 0:0 ${archive.toString()}` },
  },
  {
    name: "ADD of an address that nobody answers at fails the build",
    dockerfile: ["FROM scratch", "ADD http://127.0.0.1:9/x /"],
    fails: /offline|refused/,
  },
  {
    name: ".dockerignore leaves out, and brings back what an exception names",
    dockerfile: ["FROM scratch", "COPY . /"],
    context: {
      ".dockerignore":
        "# a comment\n\n*.log\n/secret/\n!keep.log\nsub/**/tmp\nnode_modules\n!node_modules/kept\n?.md\nDockerfile\n.dockerignore\n",
      "a.log": "1",
      "keep.log": "2",
      "sub/b.log": "3",
      "secret/key": "4",
      "sub/x/tmp/y": "5",
      "sub/x/z": "6",
      "node_modules/kept/i": "7",
      "node_modules/gone/i": "8",
      "r.md": "9",
      "rr.md": "10",
    },
    files: {
      "keep.log": "644 0:0 2",
      sub: "755 0:0 /",
      "sub/b.log": "644 0:0 3",
      "sub/x": "755 0:0 /",
      "sub/x/z": "644 0:0 6",
      node_modules: "755 0:0 /",
      "node_modules/kept": "755 0:0 /",
      "node_modules/kept/i": "644 0:0 7",
      "rr.md": "644 0:0 10",
    },
  },
  {
    name: "a Dockerfile's own .dockerignore wins",
    dockerfile: ["FROM scratch", "COPY . /all/"],
    request: { dockerfile: "docker/Dockerfile" },
    context: { ".dockerignore": "b", "docker/Dockerfile.dockerignore": "a\n", a: "a", b: "b" },
    files: {
      all: "755 0:0 /",
      "all/.dockerignore": "644 0:0 b",
      "all/b": "644 0:0 b",
      "all/docker": "755 0:0 /",
      "all/docker/Dockerfile": "644 0:0 FROM scratch\nCOPY . /all/\n",
      "all/docker/Dockerfile.dockerignore": "644 0:0 a\n",
    },
  },
  {
    name: "a file that is missing is named",
    dockerfile: ["FROM scratch", "COPY nothing.txt /"],
    fails: /nothing\.txt/,
  },
  {
    name: "a file that .dockerignore leaves out is missing",
    dockerfile: ["FROM scratch", "COPY secret.txt /"],
    context: { ".dockerignore": "secret.txt\n", "secret.txt": "s" },
    fails: /secret\.txt/,
  },
  {
    name: "nothing above the context is copied",
    dockerfile: ["FROM scratch", "COPY ../a.txt /a"],
    context: { "b.txt": "b" },
    fails: /a\.txt/,
  },
  {
    name: "COPY goes through the image's own links",
    dockerfile: ["FROM scratch", "COPY links /", "COPY a.txt /current/", "COPY a.txt /absolute/b.txt"],
    context: {
      "links/current": { link: "releases/1" },
      "links/absolute": { link: "/releases/2" },
      "links/releases/1": { folder: true },
      "links/releases/2": { folder: true },
      "a.txt": "a",
    },
    files: {
      current: "0:0 -> releases/1",
      absolute: "0:0 -> /releases/2",
      releases: "755 0:0 /",
      "releases/1": "755 0:0 /",
      "releases/1/a.txt": "644 0:0 a",
      "releases/2": "755 0:0 /",
      "releases/2/b.txt": "644 0:0 a",
    },
  },
];
