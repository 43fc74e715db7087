/**
 * Reading files of /proc, whose sizes are not known in advance: stat(2) says 0 and a read returns a page at most (proc(5),
 * the kernel's fs/seq_file.c). So a file is read until a read returns nothing.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { OpError } from "./errors.ts";

const SCRATCH_BYTES = 65_536;

/** Every read of this thread begins here; nothing in it outlives the call that filled it. */
const scratch: Buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/** The whole file, a copy; `undefined` when it is gone. Throws OpError. */
export function readBytes(path: string): Uint8Array | undefined {
  return readWhole(path, (bytes) => (bytes.buffer === scratch.buffer ? Uint8Array.from(bytes) : bytes));
}

/** The whole file as UTF-8, bad bytes as U+FFFD; `undefined` when it is gone. Throws OpError. */
export function readText(path: string): string | undefined {
  return readWhole(path, (bytes) => bytes.toString("utf8"));
}

/** The value that `read` takes from the system; `undefined` when what it reads is gone. Throws OpError. */
export function unlessGone<T>(op: string, path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    return goneOrThrow(op, path, error);
  }
}

/** `undefined` for an error that says that something is gone; throws OpError for any other of the system's, and what is none as it is. */
export function goneOrThrow(op: string, path: string, error: unknown): undefined {
  const errno = (error as NodeJS.ErrnoException).code;
  if (errno === undefined || !(error instanceof Error) || !("syscall" in error)) throw error;
  if (isGone(errno)) return undefined;
  throw new OpError(op, errno, path, error);
}

/** ESRCH: the process ended after its file was opened. */
function isGone(errno: string): boolean {
  return errno === "ENOENT" || errno === "ESRCH" || errno === "ENOTDIR";
}

function readWhole<T>(path: string, take: (bytes: Buffer) => T): T | undefined {
  return unlessGone("read", path, () => {
    const fd = openSync(path, "r");
    try {
      return take(readToEnd(fd));
    } finally {
      closeSync(fd);
    }
  });
}

function readToEnd(fd: number): Buffer {
  let buffer = scratch;
  let length = 0;
  for (;;) {
    const count = readSync(fd, buffer, length, buffer.length - length, null);
    if (count === 0) return buffer.subarray(0, length);
    length += count;
    if (length === buffer.length) {
      const larger = Buffer.allocUnsafeSlow(buffer.length * 4);
      larger.set(buffer);
      buffer = larger;
    }
  }
}
