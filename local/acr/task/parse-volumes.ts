import type { SecretVolume, VolumeMount } from "./task.ts";
import { TaskError } from "./task-error.ts";
import { YamlFields } from "./yaml-fields.ts";

/** The volumes of a task: the engine knows one source for them, files with secret content. */
export function readVolumes(file: YamlFields): SecretVolume[] {
  const volumes: SecretVolume[] = [];
  for (const value of file.list("volumes")) {
    const fields = new YamlFields(value, "a volume");
    const name = fields.text("name");
    if (!name) throw new TaskError("volume name is empty");
    if (!/^[a-zA-Z0-9-_]+$/.test(name)) {
      throw new TaskError("volume name is not well formed. Only use alphanumeric and - _");
    }
    const files = fields.textMap("secret");
    if (files === undefined) throw new TaskError("currently only support for source type secret");
    if (Object.keys(files).length === 0) throw new TaskError("secret is empty");
    for (const file of Object.keys(files)) {
      // The engine would also let `..` pass, and then fail to write it.
      if (!/^[a-zA-Z0-9-_.]+$/.test(file) || /^\.\.?$/.test(file)) {
        throw new TaskError(`file name, ${file}, is not well formed. Only use alphanumeric and - _ .`);
      }
    }
    if (volumes.some((volume) => volume.name === name)) throw new TaskError("volume with duplicate name found");
    volumes.push({ name, files });
  }
  return volumes;
}

export function readVolumeMounts(
  step: YamlFields,
  volumes: readonly SecretVolume[],
  isPush: boolean,
): readonly VolumeMount[] {
  const mounts: VolumeMount[] = [];
  for (const value of step.list("volumeMounts")) {
    const fields = new YamlFields(value, "a volume mount");
    const mount = { volume: fields.text("name"), path: fields.text("mountPath") };
    if (!volumes.some(({ name }) => name === mount.volume)) {
      throw new TaskError(`mount name, ${mount.volume}, does not correspond to a volume`);
    }
    if (isPush) {
      throw new TaskError(
        "invalid use of Mounts. Mounts must have unique container paths and only used for cmd or build steps",
      );
    }
    if (!mount.path) throw new TaskError("mount name or mount path is empty");
    if (mounts.some(({ path }) => path === mount.path)) {
      throw new TaskError("mount with duplicate container file path found");
    }
    mounts.push(mount);
  }
  return mounts;
}
