import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";

interface Manifest {
  readonly layers: readonly { readonly digest: string }[];
}

/** The files of an image as a client of the registry gets them, later layers over earlier ones; undefined: no such tag. */
export async function filesOfImage(
  loginServer: string,
  repository: string,
  reference: string,
): Promise<Record<string, string> | undefined> {
  const root = `http://${loginServer}/v2/${repository}`;
  const answer = await fetch(`${root}/manifests/${reference}`, {
    headers: {
      accept: "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json",
    },
  });
  if (answer.status === 404) return undefined;
  const { layers } = (await answer.json()) as Manifest;
  const files: Record<string, string> = {};
  for (const { digest } of layers) {
    const blob = Buffer.from(await (await fetch(`${root}/blobs/${digest}`)).arrayBuffer());
    const entries = extract();
    entries.end(blob[0] === 0x1f ? gunzipSync(blob) : blob);
    for await (const entry of entries) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      if (entry.header.type === "file")
        files[entry.header.name.replace(/^\.?\//, "")] = Buffer.concat(chunks).toString("utf8");
    }
  }
  return files;
}

/** What a tag stands for now, by the registry's own word. */
export async function digestOfTag(loginServer: string, repository: string, tag: string): Promise<string | undefined> {
  const answer = await fetch(`http://${loginServer}/v2/${repository}/manifests/${tag}`, {
    method: "HEAD",
    headers: {
      accept: "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json",
    },
  });
  return answer.headers.get("docker-content-digest") ?? undefined;
}
