/** The processes of a /proc: its folders with a number for a name (proc(5)). */
import { readdirSync, readlinkSync, statSync } from "node:fs";
import { unlessGone } from "./read-file.ts";

/**
 * A process by its number, one of its threads, or the reader itself. A thread may have namespaces and descriptors of its own (clone(2), unshare(2)), thus
 * `thread-self` differs from `self`.
 */
export type Process = number | ThreadPlace | "self" | "thread-self";

/** A thread's folder. */
export type ThreadPlace = `${number}/task/${number}`;

/** The threads of a process, ascending; `undefined` when it is gone. Throws OpError. */
export function readThreads(root: string, pid: number): number[] | undefined {
  const path = `${root}/${pid}/task`;
  return unlessGone("readdir", path, () => readdirSync(path))?.map(Number);
}

/** How many threads a process has, from one stat(2); 0 when it is gone. Throws OpError. */
export function countThreads(root: string, pid: number): number {
  const path = `${root}/${pid}/task`;
  const links = unlessGone("stat", path, () => statSync(path, { throwIfNoEntry: false }))?.nlink;
  return Math.max(0, (links ?? 2) - 2);
}

/** The reader's own pid as this /proc numbers it, which is another one where it shows another pid namespace; `undefined` when there is no such folder. Throws OpError. */
export function readOwnPid(root: string): number | undefined {
  const path = `${root}/self`;
  const link = unlessGone("readlink", path, () => readlinkSync(path));
  return link === undefined ? undefined : parsePid(link);
}

/** All pids, ascending; `undefined` when there is no such folder. Throws OpError. */
export function readPids(root: string): number[] | undefined {
  const names = unlessGone("readdir", root, () => readdirSync(root));
  return names
    ?.map(parsePid)
    .filter((pid) => pid > 0)
    .sort((a, b) => a - b);
}

/** The pid that a folder's name stands for; 0 when it is none. */
function parsePid(name: string): number {
  const first = name.charCodeAt(0);
  return first >= 0x31 && first <= 0x39 && /^\d+$/.test(name) ? Number(name) : 0;
}
