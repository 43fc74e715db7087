/** Other network namespaces: which there are, which may be entered, which track nothing. */
import { isOpError } from "@conntrail/netlink";
import { inNamespace } from "@conntrail/netlink/socket";
import {
  type FoundNamespace,
  findNamespaces,
  type NamespaceMember,
  readNetNamespace,
  readPids,
  readSysctlNumber,
} from "@conntrail/procfs";
import { type Check, found, notAsked, wrong } from "./check.ts";
import { type Surroundings, unlessForbidden } from "./surroundings.ts";

const ID = "namespaces";
const TITLE = "other network namespaces";

/** Names told at the most. */
const NAMED = 5;

/** Enters each. What an idle one tracks cannot be told from here, so it is said how to ask it. */
export function checkNamespaces(around: Surroundings, wanted: boolean, grant: string | null): Check {
  if (!wanted) return notAsked(ID, TITLE);
  const lost = "connections inside of them, thus in containers";
  const { others, hidden } = findOthers(around);
  if (hidden && grant !== null) {
    const found = "those of other users' processes are not seen";
    return wrong("limited", ID, TITLE, { found, lost, mend: grant });
  }
  if (others.length === 0) return found(ID, TITLE, "there are none");
  const refused: string[] = [];
  const empty: string[] = [];
  for (const { path, name, netns } of others) {
    const count = enter(path!, () => readSysctlNumber(around.procRoot, "net.netfilter.nf_conntrack_count"));
    if (count === "gone") continue;
    if (count === "refused") refused.push(name ?? String(netns));
    else if (count === 0 && name !== undefined) empty.push(name);
  }
  if (refused.length > 0) {
    const told = `${refused.length} of ${others.length} may not be entered: ${some(refused)}`;
    return wrong("limited", ID, TITLE, { found: told, lost, mend: grant });
  }
  const idle = empty.length === 0 ? "" : `; ${empty.length} with an empty table (${some(empty)})`;
  const ask = empty.length === 0 ? "" : `: ip netns exec ${empty[0]} conntrail doctor tells whether it tracks`;
  return found(ID, TITLE, `${others.length} can be entered${idle}${ask}`);
}

interface Others {
  readonly others: readonly FoundNamespace[];
  /** Most processes do not show their namespace. */
  readonly hidden: boolean;
}

function findOthers({ procRoot, netns }: Surroundings): Others {
  const members: NamespaceMember[] = (unlessForbidden(() => readPids(procRoot)) ?? []).map((pid) => ({
    place: pid,
    netns: unlessForbidden(() => readNetNamespace(procRoot, pid)),
  }));
  const unseen = members.filter((member) => member.netns === undefined).length;
  return {
    others: unlessForbidden(() => findNamespaces(procRoot, netns ?? 0, members)) ?? [],
    hidden: unseen * 2 > members.length,
  };
}

function enter(path: string, read: () => number | undefined): number | undefined | "gone" | "refused" {
  try {
    return inNamespace(path, read);
  } catch (error) {
    if (!isOpError(error) || error.op === "leave namespace") throw error;
    return error.errno === "EPERM" || error.errno === "EACCES" ? "refused" : "gone";
  }
}

function some(names: readonly string[]): string {
  const more = names.length > NAMED ? ", …" : "";
  return `${names.slice(0, NAMED).join(", ")}${more}`;
}
