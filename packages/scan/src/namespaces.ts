/** The network namespaces that can be found: those of processes, and those that have a name (ip-netns(8), namespaces(7)). */
import { readdirSync, statfsSync, statSync } from "node:fs";
import { OpError } from "@conntrail/netlink";
import { netNamespacePath, readNetNamespace } from "@conntrail/procfs";
import { orForbidden } from "./or-forbidden.ts";
import type { ProcessEntry } from "./process-table.ts";

/** A namespace and the ways into it. */
export interface FoundNamespace {
  /** Its inode; 0 for the own one when /proc cannot be read. */
  readonly netns: number;
  /** The file that setns(2) takes; `undefined` for the thread's own, which need not be entered. */
  readonly path: string | undefined;
  /** A process inside, whose `net` folder shows it; `self` for the own one; `undefined` for a named one without processes. */
  readonly process: number | "self" | undefined;
}

/** File system type of namespace files (`linux/magic.h`). */
const NSFS_MAGIC = 0x6e736673; // NSFS_MAGIC

/** The thread's own namespace. */
export function ownNamespace(root: string): FoundNamespace {
  const netns = orForbidden(() => readNetNamespace(root, "self"));
  return { netns: netns ?? 0, path: undefined, process: "self" };
}

/** All of them, each once, the own one first, the others by inode. A process is the way in before a name: its folder shows more. */
export function findNamespaces(
  root: string,
  folders: readonly string[],
  processes: Iterable<ProcessEntry>,
): FoundNamespace[] {
  const own = ownNamespace(root);
  const found = new Map<number, FoundNamespace>();
  for (const { netns, pid } of processes) {
    if (netns === undefined || netns === own.netns || found.has(netns)) continue;
    found.set(netns, { netns, path: netNamespacePath(root, pid), process: pid });
  }
  for (const path of folders.flatMap(namespaceFiles)) {
    const netns = inodeOf(path);
    if (netns === undefined || netns === own.netns || found.has(netns)) continue;
    found.set(netns, { netns, path, process: undefined });
  }
  return [own, ...[...found.values()].sort((a, b) => a.netns - b.netns)];
}

function namespaceFiles(folder: string): string[] {
  return (unlessClosed("readdir", folder, () => readdirSync(folder)) ?? []).map((name) => `${folder}/${name}`);
}

/** A name whose namespace was unmounted is an ordinary file. */
function inodeOf(path: string): number | undefined {
  return unlessClosed("stat", path, () => (statfsSync(path).type === NSFS_MAGIC ? statSync(path).ino : undefined));
}

/** What is not there, and what is closed to us, shows no namespace. */
function unlessClosed<T>(op: string, path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code ?? "EIO";
    if (["ENOENT", "ENOTDIR", "EACCES", "EPERM"].includes(errno)) return undefined;
    throw new OpError(op, errno, { detail: path, cause: error });
  }
}
