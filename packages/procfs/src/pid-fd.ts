/** /proc/PID/fd: proc_pid_fd(5). A socket's link reads `socket:[INODE]`; the inode is the one that /proc/net/tcp and sock_diag show. */
import { readdirSync, readlinkSync, statSync } from "node:fs";
import type { Process } from "./pids.ts";
import { goneOrThrow, unlessGone } from "./read-file.ts";

/** The folder of a process's descriptors, from one stat(2): cheap, and allowed for every process. */
export interface FdFolder {
  /** Inode of the folder. As long as it stays the same, the folder belongs to the same process; it may change without cause. */
  readonly identity: number;
  /** How many descriptors are open (Linux 6.2 and later); elsewhere the folder's size, which says nothing. */
  readonly size: number;
}

/** Looks at /proc/PID/fd; `undefined` when the process is gone. Throws OpError. */
export function readFdFolder(root: string, process: Process): FdFolder | undefined {
  const path = `${root}/${process}/fd`;
  const facts = unlessGone("stat", path, () => statSync(path, { throwIfNoEntry: false }));
  return facts === undefined ? undefined : { identity: facts.ino, size: facts.size };
}

/** The numbers of the open descriptors, in the kernel's order, which is ascending; `undefined` when the process is gone. Throws OpError: EACCES. */
export function readFdNumbers(root: string, process: Process): number[] | undefined {
  const path = `${root}/${process}/fd`;
  return unlessGone("readdir", path, () => readdirSync(path))?.map(Number);
}

/**
 * The inode of the socket behind a descriptor; of a network namespace the inode, negative; 0 when it is another kind of file; `undefined` when
 * the descriptor or the process is gone. Throws OpError: EACCES.
 */
export function readFdSocket(root: string, process: Process, fd: number): number | undefined {
  const path = `${root}/${process}/fd/${fd}`;
  // Called for every descriptor of the host: without `unlessGone`, whose closure would cost a tenth of the read.
  try {
    return parseSocketLink(readlinkSync(path));
  } catch (error) {
    return goneOrThrow("readlink", path, error);
  }
}

/** The inode in `socket:[INODE]`, minus that in `net:[INODE]`; 0 for any other link. */
export function parseSocketLink(link: string): number {
  if (link.startsWith("socket:[")) return inodeIn(link, "socket:[".length);
  return link.startsWith("net:[") ? -inodeIn(link, "net:[".length) : 0;
}

function inodeIn(link: string, start: number): number {
  let inode = 0;
  for (let at = start; at < link.length - 1; at++) inode = inode * 10 + link.charCodeAt(at) - 0x30;
  return inode;
}
