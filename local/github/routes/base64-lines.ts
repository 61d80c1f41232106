/** Base64 the way GitHub sends file contents: lines of 60 characters, each ended. Decoders must cope. */
export function base64Lines(content: Buffer): string {
  return content.toString("base64").replace(/.{1,60}/g, "$&\n");
}
