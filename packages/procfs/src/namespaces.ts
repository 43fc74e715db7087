/**
 * The network namespaces that can be found, and the way into each: one finder for whoever reads sockets and for whoever reads conntrack, so that both see the
 * same ones. Sources: namespaces(7), proc_pid_ns(5), ip-netns(8).
 */
import { readNamespaceMounts } from "./namespace-mounts.ts";
import { netNamespacePath } from "./pid-ns.ts";
import type { Process } from "./pids.ts";

/** A namespace and the ways into it. */
export interface FoundNamespace {
  /** Its inode; 0 for the own one when /proc cannot be read. */
  readonly netns: number;
  /** The file that setns(2) takes; `undefined` for the thread's own, which need not be entered. */
  readonly path: string | undefined;
  /** A process or thread inside, whose `net` folder shows it; `self` for the own one; `undefined` for one without processes. */
  readonly process: Process | undefined;
  /** The name under which it is mounted, as ip-netns(8) gives it: the last part of the path; `undefined` without one. */
  readonly name: string | undefined;
}

/** A process or thread, and the namespace that it is in; `undefined` where that may not be read. */
export interface NamespaceMember {
  readonly place: Process;
  readonly netns: number | undefined;
}

/**
 * All of them but `own`, each once, by inode. A process is the way in before a mount, whose folder shows less, and a mount before what `elsewhere` knows: files by inode of
 * namespaces that only a descriptor keeps, or another mount namespace. Throws OpError.
 */
export function findNamespaces(
  root: string,
  own: number,
  members: Iterable<NamespaceMember>,
  elsewhere: Iterable<readonly [netns: number, path: string]> = [],
): FoundNamespace[] {
  const names = new Map<number, string>();
  const mounts = readNamespaceMounts(root, "thread-self") ?? [];
  for (const { netns, target } of mounts) if (!names.has(netns)) names.set(netns, lastPart(target));
  const found = new Map<number, FoundNamespace>();
  const add = (netns: number, path: string, process?: Process): void => {
    if (netns !== own && !found.has(netns)) found.set(netns, { netns, path, process, name: names.get(netns) });
  };
  // Most members are in a namespace that is known already.
  for (const { place, netns } of members) {
    if (netns !== undefined && netns !== own && !found.has(netns)) add(netns, netNamespacePath(root, place), place);
  }
  for (const { netns, target } of mounts) add(netns, target);
  for (const [netns, path] of elsewhere) add(netns, path);
  return [...found.values()].sort((a, b) => a.netns - b.netns);
}

/** The name under which a namespace is mounted, where the reader sees it; `undefined` without one. Throws OpError. */
export function namespaceName(root: string, netns: number): string | undefined {
  const mount = readNamespaceMounts(root, "thread-self")?.find((candidate) => candidate.netns === netns);
  return mount === undefined ? undefined : lastPart(mount.target);
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
