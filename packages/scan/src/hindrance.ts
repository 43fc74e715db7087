/** What keeps processes out of sight, in words for the operator: capabilities(7), ptrace(2) "access mode checking", pid_namespaces(7). */
import {
  CAPABILITY,
  type Hidepid,
  hidepid,
  readCapabilities,
  readMounts,
  readPidComm,
  readPidNamespace,
  readPidStat,
} from "@conntrail/procfs";
import { orForbidden } from "./or-forbidden.ts";
import type { ProcessEntry } from "./process-entry.ts";

/** The pid namespace of the host has this inode on every kernel (PROC_PID_INIT_INO, `linux/proc_ns.h`). */
const HOST_PIDS = 0xeffffffc;

/** What inspecting a process of another user needs. */
const NEEDED = ["CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"] as const;

/** True when /proc shows the processes of a pid namespace that is not the host's: it is that of its process 1, or if that may not be asked our own. */
export function showsOwnPidsOnly(root: string): boolean {
  const pids = orForbidden(() => readPidNamespace(root, 1)) ?? orForbidden(() => readPidNamespace(root, "self"));
  return pids !== undefined && pids !== HOST_PIDS;
}

/** Which process may not be inspected, and what would help or why nothing does; empty when all may be. */
export function whyDenied(root: string, processes: Iterable<ProcessEntry>): string {
  const denied = [...processes].filter((process) => process.denied);
  const [first] = denied;
  if (first === undefined) return "";
  const name = orForbidden(() => readPidComm(root, first.pid)) ?? "gone by now";
  const named = `${first.pid}, ${name}`;
  const which =
    denied.length === 1
      ? `process ${named}, may not be inspected`
      : `${denied.length} processes may not be inspected, the first ${named}`;
  const effective = orForbidden(() => readCapabilities(root, "self"));
  const missing = NEEDED.filter(
    (capability) => effective !== undefined && (effective & (1n << BigInt(CAPABILITY[capability]))) === 0n,
  );
  if (missing.length > 0) return `${which}: run as root, or with ${missing.join(" and ")}`;
  return `${which}, although no capability is missing: it is in another user namespace, or a sandbox or security module protects it`;
}

/** The option as far as it binds us: root and the group of `gid=` see everything, also process 1. */
export function effectiveHidepid(root: string): Hidepid {
  const mounts = readMounts(root);
  const option = mounts === undefined ? "off" : hidepid(mounts, root);
  return option === "off" || orForbidden(() => readPidStat(root, 1)) !== undefined ? "off" : option;
}
