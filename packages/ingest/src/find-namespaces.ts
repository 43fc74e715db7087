/**
 * The network namespaces that can be found: those of processes, and those that a file keeps open (ip-netns(8), container engines). Sources:
 * namespaces(7), proc_pid_ns(5), proc_pid_mountinfo(5).
 */
import { readFileSync } from "node:fs";
import { isNotPermitted, netNamespacePath, readNetNamespace, readPids } from "@conntrail/procfs";

/** What was found. */
export interface FoundNamespaces {
  /** Inode to a file by which it can be entered; the own one is not among them. */
  readonly paths: ReadonlyMap<number, string>;
  /** Most processes did not show their namespace: others may exist. A few always may, such as those of another user namespace. */
  readonly hidden: boolean;
}

/** Looks for namespaces other than `own` in the /proc at `root`. What cannot be read is passed over. */
export function findNamespaces(root: string, own: number): FoundNamespaces {
  const paths = new Map<number, string>();
  const pids = readPids(root) ?? [];
  let hidden = 0;
  for (const pid of pids) {
    const netns = unlessForbidden(() => readNetNamespace(root, pid));
    if (netns === FORBIDDEN) hidden++;
    else if (netns !== undefined && netns !== own && !paths.has(netns)) paths.set(netns, netNamespacePath(root, pid));
  }
  for (const { netns, path } of namespaceMounts(root)) {
    if (netns !== own && !paths.has(netns)) paths.set(netns, path);
  }
  return { paths, hidden: hidden * 2 > pids.length };
}

const FORBIDDEN = Symbol("forbidden");

function unlessForbidden<T>(read: () => T): T | typeof FORBIDDEN {
  try {
    return read();
  } catch (error) {
    if (isNotPermitted(error)) return FORBIDDEN;
    throw error;
  }
}

/** Namespaces that are mounted on a file: the root of such a mount reads `net:[INODE]`, its type `nsfs`. */
function namespaceMounts(root: string): { readonly netns: number; readonly path: string }[] {
  let text: string;
  try {
    text = readFileSync(`${root}/thread-self/mountinfo`, "utf8");
  } catch {
    return []; // without it there are still the namespaces of processes
  }
  return [...text.matchAll(/^\d+ \d+ \S+ net:\[(\d+)\] (\S+) .* - nsfs /gm)].map(([, inode, target]) => ({
    netns: Number(inode),
    path: target!.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
  }));
}
