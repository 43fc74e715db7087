/** /proc/PID/cmdline: proc_pid_cmdline(5). */
import { readText } from "./read-file.ts";

const LENGTH = 256;

/** The command line (see `parsePidCmdline`); `undefined` when the process is gone. Throws OpError. */
export function readPidCmdline(root: string, pid: number): string | undefined {
  const text = readText(`${root}/${pid}/cmdline`);
  return text === undefined ? undefined : parsePidCmdline(text);
}

/** Arguments joined by spaces, at most 256 characters; empty for kernel threads. A process may have overwritten it with any text. */
export function parsePidCmdline(text: string): string {
  const joined = text
    .slice(0, 2 * LENGTH)
    .replaceAll("\0", " ")
    .trim();
  const cut = joined.slice(0, LENGTH);
  // Half of a surrogate pair is no character.
  return joined.length > LENGTH && /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}
