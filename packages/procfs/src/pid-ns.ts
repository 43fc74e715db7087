/** /proc/PID/ns/net: proc_pid_ns(5), namespaces(7). The link reads `net:[INODE]`, and the inode is the namespace's name. */
import { readlinkSync } from "node:fs";
import { ParseError } from "./errors.ts";
import type { Process } from "./pids.ts";
import { unlessGone } from "./read-file.ts";

/** The inode of a process's network namespace; `undefined` when the process is gone or a zombie. Throws OpError (EACCES), ParseError. */
export function readNetNamespace(root: string, process: Process): number | undefined {
  const path = netNamespacePath(root, process);
  const link = unlessGone("readlink", path, () => readlinkSync(path));
  return link === undefined ? undefined : parseNamespaceLink(link);
}

/** The inode of a process's mount namespace; `undefined` when the process is gone or a zombie. Throws OpError (EACCES), ParseError. */
export function readMountNamespace(root: string, process: Process): number | undefined {
  const path = `${root}/${process}/ns/mnt`;
  const link = unlessGone("readlink", path, () => readlinkSync(path));
  return link === undefined ? undefined : parseNamespaceLink(link, "mnt");
}

/** The inode of a process's pid namespace; `undefined` when the process is gone or a zombie. Throws OpError (EACCES), ParseError. */
export function readPidNamespace(root: string, process: Process): number | undefined {
  const path = `${root}/${process}/ns/pid`;
  const link = unlessGone("readlink", path, () => readlinkSync(path));
  return link === undefined ? undefined : parseNamespaceLink(link, "pid");
}

/** The file by which setns(2) enters a process's network namespace. */
export function netNamespacePath(root: string, process: Process): string {
  return `${root}/${process}/ns/net`;
}

/** The inode in `net:[INODE]`, or of another kind of namespace. Throws ParseError. */
export function parseNamespaceLink(link: string, kind: "net" | "mnt" | "pid" = "net"): number {
  const digits = /^([a-z]+):\[(\d+)\]$/.exec(link);
  if (digits?.[1] !== kind) throw new ParseError("bad-text", `PID/ns/${kind}`, "link", link);
  return Number(digits[2]);
}
