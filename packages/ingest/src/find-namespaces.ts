/** The network namespaces to watch: what the finder of procfs finds from the processes of a /proc. */
import {
  findNamespaces as collectNamespaces,
  isNotPermitted,
  type NamespaceMember,
  readNetNamespace,
  readPids,
} from "@conntrail/procfs";

/** What was found. */
export interface FoundNamespaces {
  /** Inode to a file by which it can be entered; the own one is not among them. */
  readonly paths: ReadonlyMap<number, string>;
  /** Names, of those that have one. */
  readonly names: ReadonlyMap<number, string>;
  /** Most processes did not show their namespace: others may exist. A few always may, such as those of another user namespace. */
  readonly hidden: boolean;
}

/** Looks for namespaces other than `own` in the /proc at `root`; `elsewhere` are those that others have found. What cannot be read is passed over. */
export function findNamespaces(
  root: string,
  own: number,
  elsewhere: Iterable<readonly [netns: number, path: string]> = [],
): FoundNamespaces {
  const pids = readPids(root) ?? [];
  const members: NamespaceMember[] = [];
  let hidden = 0;
  for (const pid of pids) {
    const netns = unlessForbidden(() => readNetNamespace(root, pid));
    if (netns === FORBIDDEN) hidden++;
    else members.push({ place: pid, netns });
  }
  const found = collectNamespaces(root, own, members, elsewhere);
  return {
    paths: new Map(found.map(({ netns, path }) => [netns, path!])),
    names: new Map(found.flatMap(({ netns, name }) => (name === undefined ? [] : [[netns, name]]))),
    hidden: hidden * 2 > pids.length,
  };
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
