/** Standard output for a program in a pipe: waits when the reader is slow, ends quietly when the reader is gone, and says in one line what else went wrong. */
import { writeSync } from "node:fs";

/**
 * Ends the process as soon as standard output fails: with code 0 when its reader closed it (`| head -1`), and else, a full
 * disk for instance, with one line on standard error and code 1. Where standard error fails nobody can be told.
 */
export function endOnFailedOutput(): void {
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    tellNow(`conntrail: standard output: ${error.message}\n`);
    process.exit(1);
  });
}

/** Before anyone else hears of the failure: whoever waits for room would tell it a second time. */
function tellNow(line: string): void {
  try {
    writeSync(process.stderr.fd, line);
  } catch {
    // Standard error fails too.
  }
}

/** Writes and waits until the bytes have left: their memory is free then. The stream alone would keep 64 KiB back before it says that it is full (Node 22). A failure ends the process. */
export async function writeOut(bytes: Uint8Array | string): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write(bytes, () => resolve()));
}

/** Waits until everything written has left: what `process.exit` would cut off when standard output is a pipe. */
export function flushed(): Promise<void> {
  return new Promise((resolve) => process.stdout.write("", () => resolve()));
}
