/** Where a recording goes: files, one after the other, or a stream. */
import { type FileHandle, open, unlink } from "node:fs/promises";
import { type Writable, finished as whenFinished } from "node:stream";
import { OpError } from "@conntrail/netlink";
import { toOpError } from "./byte-source.ts";

/** Takes the bytes of one file. What goes wrong is an OpError. */
export interface CaptureTarget {
  /** Appends whole blocks. */
  write(bytes: Uint8Array): Promise<void>;
  /** The file is complete. May be called again. */
  finish(): Promise<void>;
}

/**
 * A new file, which replaces one of the same name, and which only its owner may read: command lines hold secrets. While it is written nothing is synced: a killed process loses nothing that was
 * written, a crashed machine may. With `sync` its data are on the disk when `finish` is done. If the disk is full,
 * a block of which only a part could be written is cut off again.
 */
export async function fileTarget(path: string, sync: boolean): Promise<CaptureTarget> {
  const handle = await attempt("open", path, () => open(path, "w", OWNER_ONLY));
  let written = 0;
  let finished = false;
  return {
    async write(bytes) {
      try {
        await writeAll(handle, bytes);
        written += bytes.length;
      } catch (error) {
        // Best effort: a reader copes with the torn end as well.
        await handle.truncate(written).catch(() => {});
        throw toOpError("write", path, error);
      }
    },
    async finish() {
      if (finished) return;
      finished = true;
      try {
        if (sync) await attempt("fdatasync", path, () => handle.datasync().catch(ignoreUnsyncable));
      } finally {
        await handle.close();
      }
    },
  };
}

/** The mode of a file that is created. */
const OWNER_ONLY = 0o600;

/** Pipes and devices cannot be synced, which is no fault of theirs (fdatasync(2): EINVAL, EROFS). */
function ignoreUnsyncable(error: NodeJS.ErrnoException): void {
  if (error.code !== "EINVAL" && error.code !== "EROFS") throw error;
}

/** A stream, for instance stdout. It is neither ended nor destroyed. */
export function streamTarget(stream: Writable): CaptureTarget {
  let failure: unknown;
  whenFinished(stream, { readable: false }, (error) => {
    failure = error ?? new Error("the stream has ended");
  });
  return {
    async write(bytes) {
      if (failure !== undefined) throw streamError(failure);
      await new Promise<void>((resolve, reject) => {
        stream.write(bytes, (error) => (error ? reject(streamError(error)) : resolve()));
      });
    },
    async finish() {},
  };
}

/** Deletes a file; one that is gone already is no error. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw toOpError("unlink", path, error);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
}

/** What a stream says of itself when it has ended or is gone (ERR_STREAM_…) is to a writer what EPIPE is. */
function streamError(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (code !== "" && !code.startsWith("ERR_STREAM_")) return toOpError("write", "stream", error);
  return new OpError("write", "EPIPE", { detail: "the stream has ended", cause: error });
}

async function attempt<T>(op: string, path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw toOpError(op, path, error);
  }
}
