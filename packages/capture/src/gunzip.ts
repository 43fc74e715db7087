/**
 * gzip (RFC 1952) on the fly: one member or several, end to end, as a recorder writes them. Everything that could be
 * inflated is given out before an error is told, so that a file cut in the middle is read up to the cut.
 */
import { createGunzip } from "node:zlib";
import type { ByteSource } from "./byte-source.ts";

/** Compressed bytes given to zlib at a time: what an error in the middle may cost of the bytes before it. */
const INPUT_BYTES = 16 * 1024;
const OUTPUT_BYTES = 256 * 1024;

/** The inflated bytes of a source. An error of zlib is thrown as it is; its `code` begins with `Z_`. */
export function gunzipSource(source: ByteSource): ByteSource {
  const gunzip = createGunzip({ chunkSize: OUTPUT_BYTES });
  const input = new Uint8Array(INPUT_BYTES);
  const output: Uint8Array[] = [];
  let outputOffset = 0;
  let failure: Error | undefined;
  let ended = false;
  // Flowing all the time: what zlib gives is in `output` before its error is known. One step is under way at most,
  // so `output` holds what one input inflates to (1,032 times its size at the very most).
  gunzip.on("data", (chunk: Uint8Array) => void output.push(chunk));
  gunzip.on("error", (error) => {
    failure = error;
  });
  gunzip.on("end", () => {
    ended = true;
  });
  // After an error zlib no longer answers the write that caused it: the closing wakes whoever waits.
  let wake = (): void => {};
  gunzip.on("close", () => wake());

  /** Reads one piece of input and inflates it; at the end of the input waits for zlib's verdict. */
  async function step(): Promise<void> {
    const got = await source.read(input);
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (got > 0) gunzip.write(input.subarray(0, got), () => resolve());
      else gunzip.end();
    });
  }

  return {
    async read(target) {
      while (output.length === 0) {
        if (failure !== undefined) throw failure;
        if (ended) return 0;
        await step();
      }
      const chunk = output[0]!;
      const taken = Math.min(chunk.length - outputOffset, target.length);
      target.set(chunk.subarray(outputOffset, outputOffset + taken));
      outputOffset += taken;
      if (outputOffset === chunk.length) {
        output.shift();
        outputOffset = 0;
      }
      return taken;
    },
    async close() {
      gunzip.destroy();
      await source.close();
    },
  };
}

/** True for an error that zlib gave for its input. */
export function isInflateError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("Z_");
}
