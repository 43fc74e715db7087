/** Standard output for a program in a pipe: waits when the reader is slow, and ends quietly when the reader is gone. */
import { once } from "node:events";

/** Ends the process with code 0 as soon as standard output is closed by its reader (`| head -1`). */
export function endQuietlyOnClosedOutput(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
}

/** Writes and waits until there is room for more. */
export async function writeOut(bytes: Uint8Array | string): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, "drain");
}

/** Waits until everything written has left: what `process.exit` would cut off when standard output is a pipe. */
export function flushed(): Promise<void> {
  return new Promise((resolve) => process.stdout.write("", () => resolve()));
}
