/** GitHub's older opaque id: base64 of the type's name and the number. Stable, and readable when debugging. */
export function nodeId(type: string, id: number | string): string {
  return Buffer.from(`0${type.length}:${type}${id}`).toString("base64");
}
