/** A sink that writes one JSON report a line to a stream or a file. */

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { Delivery, Sink } from "./sink.ts";

const NEWLINE = Uint8Array.of(10);
const OWNER_ONLY = 0o600;

/** Writes to `target`: a path is appended to and closed at the end (a new file is readable by its owner only), a stream is left open. Waits when the stream is full. */
export function ndjson(target: Writable | string, name = "ndjson"): Sink {
  const owned = typeof target === "string";
  const stream = owned ? createWriteStream(target, { flags: "a", mode: OWNER_ONLY }) : target;
  let failure: Error | undefined;
  stream.on("error", (error: Error) => {
    failure = error;
  });
  return {
    name,
    encoding: { format: "json", gzip: false },
    async deliver({ bytes }: Delivery, signal: AbortSignal): Promise<void> {
      if (failure !== undefined) throw failure;
      stream.cork();
      stream.write(bytes);
      const room = stream.write(NEWLINE);
      stream.uncork();
      if (!room) await once(stream, "drain", { signal });
    },
    async close(): Promise<void> {
      if (!owned || failure !== undefined) return;
      stream.end();
      await finished(stream);
    },
  };
}
