/** Network namespaces that are mounted on a file (ip-netns(8), container engines), from /proc/PID/mountinfo: proc_pid_mountinfo(5), namespaces(7). */
import { OpError } from "./errors.ts";
import type { Process } from "./pids.ts";
import { readText } from "./read-file.ts";

/** A namespace and where it is mounted, as the process sees it. */
export interface NamespaceMount {
  /** Inode of the namespace. */
  readonly netns: number;
  readonly target: string;
}

/**
 * The namespaces mounted anywhere that a process sees; `undefined` when it is gone. Throws OpError. EINVAL: the process has ended and only
 * waits to be reaped, so it has no mount namespace any more (mounts_open_common in fs/proc_namespace.c).
 */
export function readNamespaceMounts(root: string, process: Process): NamespaceMount[] | undefined {
  try {
    const text = readText(`${root}/${process}/mountinfo`);
    return text === undefined ? undefined : parseNamespaceMounts(text);
  } catch (error) {
    if (error instanceof OpError && error.errno === "EINVAL") return undefined;
    throw error;
  }
}

/** The root of such a mount reads `net:[INODE]`, its type `nsfs`; space, tab, line feed and backslash are three octal digits. */
export function parseNamespaceMounts(text: string): NamespaceMount[] {
  return [...text.matchAll(/^\d+ \d+ \S+ net:\[(\d+)\] (\S+) .* - nsfs /gm)].map(([, inode, target]) => ({
    netns: Number(inode),
    target: target!.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
  }));
}
