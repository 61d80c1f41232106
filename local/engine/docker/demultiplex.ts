import type { Readable } from "node:stream";

/**
 * Reads the output of a container without a terminal: frames of an 8-byte header (stream, three zeros, length in big
 * endian) and their payload. Both streams go to `log`, in the order they came.
 */
export async function demultiplex(stream: Readable, log: (text: string) => void): Promise<void> {
  const decoders = new Map([1, 2].map((kind) => [kind, new TextDecoder()]));
  let buffer: Buffer = Buffer.alloc(0);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    buffer = Buffer.concat([buffer, chunk]);
    while (buffer.length >= 8 && buffer.length >= 8 + buffer.readUInt32BE(4)) {
      const end = 8 + buffer.readUInt32BE(4);
      log(decoders.get(buffer[0]!)?.decode(buffer.subarray(8, end), { stream: true }) ?? "");
      buffer = buffer.subarray(end);
    }
  }
}
