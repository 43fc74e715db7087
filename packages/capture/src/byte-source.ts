/** Where bytes are read from: a file, or chunks from elsewhere. Pulled, so that nothing piles up before a slow reader. */
import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { Socket } from "node:net";
import { OpError } from "@conntrail/netlink";

/** Bytes in order. What goes wrong is an OpError. */
export interface ByteSource {
  /** Fills the beginning of `target`, which is not empty, and says how many bytes it got; 0 at the end. */
  read(target: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** The bytes of files, one after the other, each opened when its first byte is wanted. `signal` ends a pipe that nobody writes to; files end by themselves. */
export function filesSource(paths: readonly string[], signal?: AbortSignal): ByteSource {
  let next = 0;
  let file: ByteSource | undefined;
  return {
    async read(target) {
      while (signal?.aborted !== true && (file !== undefined || next < paths.length)) {
        file ??= await openSource(paths[next++]!, signal);
        const got = await file.read(target);
        if (got > 0) return got;
        await file.close();
        file = undefined;
      }
      return 0;
    },
    async close() {
      await file?.close();
    },
  };
}

const STANDARD_INPUT = "/dev/stdin";

async function openSource(path: string, signal: AbortSignal | undefined): Promise<ByteSource> {
  try {
    const facts = await stat(path);
    if (facts.isFIFO()) return pipeSource(path, await open(path, constants.O_RDONLY | constants.O_NONBLOCK), signal);
    // A socket cannot be opened anew; what a program started by Node has for standard input is one.
    if (facts.isSocket() && path === STANDARD_INPUT) return pipeSource(path, { fd: 0, close: async () => {} }, signal);
    return handleSource(path, await open(path, "r"));
  } catch (error) {
    throw toOpError("open", path, error);
  }
}

function handleSource(path: string, handle: FileHandle): ByteSource {
  return {
    async read(target) {
      try {
        return (await handle.read(target, 0, target.length, null)).bytesRead;
      } catch (error) {
        throw toOpError("read", path, error);
      }
    },
    close: () => handle.close(),
  };
}

/** A named or unnamed pipe (fifo(7)): a blocking read of one could not be ended, so it is opened without waiting and read by events. */
function pipeSource(
  path: string,
  handle: Pick<FileHandle, "fd" | "close">,
  signal: AbortSignal | undefined,
): ByteSource {
  const socket = new Socket({ fd: handle.fd, readable: true, writable: false });
  const stop = (): void => void socket.destroy();
  signal?.addEventListener("abort", stop, { once: true });
  const source = chunkSource(socket);
  return {
    async read(target) {
      try {
        return await source.read(target);
      } catch (error) {
        if (signal?.aborted === true) return 0;
        throw toOpError("read", path, error);
      }
    },
    async close() {
      signal?.removeEventListener("abort", stop);
      socket.destroy();
      await handle.close().catch(() => undefined); // the socket has closed it
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
