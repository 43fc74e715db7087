/** /proc/PID/comm: proc_pid_comm(5). */
import { readText } from "./read-file.ts";

/** The process's name, at most 15 bytes; `undefined` when it is gone. Throws OpError. */
export function readPidComm(root: string, pid: number): string | undefined {
  const text = readText(`${root}/${pid}/comm`);
  return text === undefined ? undefined : parsePidComm(text);
}

/** Takes the line break off that the kernel appends; one inside the name stays. */
export function parsePidComm(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}
