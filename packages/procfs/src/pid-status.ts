/** /proc/PID/status: proc_pid_status(5), capabilities(7). */
import type { Process } from "./pids.ts";
import { readText } from "./read-file.ts";

/** The capabilities that we have a use for: their numbers in `linux/capability.h`. */
export const CAPABILITY = {
  CAP_DAC_READ_SEARCH: 2,
  CAP_NET_ADMIN: 12,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
  CAP_PERFMON: 38,
} as const;

/** The effective capabilities of a process, a bit for each; `undefined` when the process is gone or the line is missing. Throws OpError. */
export function readCapabilities(root: string, process: Process): bigint | undefined {
  return parseCapabilities(readText(`${root}/${process}/status`) ?? "");
}

/** The line `CapEff:`, 16 hexadecimal digits. */
export function parseCapabilities(text: string): bigint | undefined {
  const digits = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(text)?.[1];
  return digits === undefined ? undefined : BigInt(`0x${digits}`);
}

/** The effective user id of a process; `undefined` when the process is gone or the line is missing. Throws OpError. */
export function readUid(root: string, process: Process): number | undefined {
  return parseUid(readText(`${root}/${process}/status`) ?? "");
}

/** The line `Uid:`: real, effective, saved and file system user. */
export function parseUid(text: string): number | undefined {
  const uid = /^Uid:\s*\d+\s+(\d{1,10})\s/m.exec(text)?.[1];
  return uid === undefined ? undefined : Number(uid);
}
