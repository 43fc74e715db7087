/** Where bytes are read from: a file, or chunks from elsewhere. Pulled, so that nothing piles up before a slow reader. */
import { type FileHandle, open } from "node:fs/promises";
import { OpError } from "@conntrail/netlink";

/** Bytes in order. What goes wrong is an OpError. */
export interface ByteSource {
  /** Fills the beginning of `target`, which is not empty, and says how many bytes it got; 0 at the end. */
  read(target: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** The bytes of a file. Opened at the first read. */
export function fileSource(path: string): ByteSource {
  let handle: FileHandle | undefined;
  return {
    async read(target) {
      try {
        handle ??= await open(path, "r");
        return (await handle.read(target, 0, target.length, null)).bytesRead;
      } catch (error) {
        throw toOpError(handle === undefined ? "open" : "read", path, error);
      }
    },
    async close() {
      await handle?.close();
    },
  };
}

/** The bytes of chunks. A chunk is copied; an empty one is passed over. */
export function chunkSource(chunks: AsyncIterable<Uint8Array>): ByteSource {
  const iterator = chunks[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  return {
    async read(target) {
      while (rest.length === 0) {
        const next = await iterator.next();
        if (next.done === true) return 0;
        rest = next.value;
      }
      const taken = Math.min(rest.length, target.length);
      target.set(rest.subarray(0, taken));
      rest = rest.subarray(taken);
      return taken;
    },
    async close() {
      await iterator.return?.();
    },
  };
}

/** Puts bytes that were already read in front of a source again. */
export function prepend(head: Uint8Array, source: ByteSource): ByteSource {
  let rest = head;
  return {
    async read(target) {
      if (rest.length === 0) return source.read(target);
      const taken = Math.min(rest.length, target.length);
      target.set(rest.subarray(0, taken));
      rest = rest.subarray(taken);
      return taken;
    },
    close: () => source.close(),
  };
}

/** An error of node:fs as an OpError. */
export function toOpError(op: string, path: string, error: unknown): unknown {
  const errno = (error as NodeJS.ErrnoException).code;
  return typeof errno === "string" ? new OpError(op, errno, { detail: path, cause: error }) : error;
}
