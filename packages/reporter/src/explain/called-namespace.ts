/**
 * Where a call without an answer ended, from where conntrack told of it. A flow is confirmed, and only then told, behind the last rule that its first packet meets in a namespace
 * (nf_conntrack_confirm, at the end of postrouting or of input): that namespace let it through, and what drops it is further on.
 */
import type { ConnectionJson } from "@conntrail/report";
import type { FactCollector } from "./fact-collector.ts";
import { inNamed, LEGACY, LIST_RULES, namespaceText } from "./row-place.ts";

/** Where to look for a rule. */
export interface CalledNamespace {
  /** What it is called; undefined where it is not known which namespace has the address called. */
  readonly name: string | undefined;
  /** A clause on how far the call came; empty where that is not known. */
  readonly passed: string;
  /** What a rule there can have dropped. Of a flow that its conntrack has without an answer none came to the hook for output, where conntrack (priority -200) would have seen it. */
  readonly drops: "it" | "its answer before conntrack sees it";
  /** The command that lists the rules, with what to look for. */
  readonly rules: string;
  /** The command, where the address called is. */
  readonly command: (words: string) => string;
}

/** Of a row whose called address is of this host. */
export function calledNamespace(row: ConnectionJson, seen: FactCollector): CalledNamespace {
  const { from, to, netns, sources } = row;
  const { found } = seen;
  const home = homeOf(row, seen);
  const told =
    seen.trackers.size > 0 || netns === null || !sources.includes("conntrack") ? [...seen.trackers] : [netns];
  const command = (words: string): string => inNamed(home === undefined ? undefined : found.nameOf(home), words);
  if (home === undefined) {
    const where = `where ${to.address} is: a rule that drops or rejects it`;
    return { name: undefined, passed: "", drops: "it", rules: `${LIST_RULES}  (${where}; ${LEGACY})`, command };
  }
  const name = namespaceText(found, home);
  const before = told.filter((each) => each !== home).map((each) => namespaceText(found, each));
  const rules = `${command(LIST_RULES)}  (a rule that drops or rejects it; ${LEGACY})`;
  if (!told.includes(home)) {
    const passed =
      before.length === 0 ? "" : `${before.join(" and ")} let the call out, or conntrack would not have it there`;
    return { name, passed, drops: "it", rules, command };
  }
  // Of a call between two ends of one namespace conntrack tells before the rules for input.
  if (isHere(to.address) || found.homes(from.address).some((each) => each.netns === home)) {
    return { name, passed: "", drops: "it", rules, command };
  }
  const passed = `the call came through the rules of ${name}, and no answer left it, or conntrack there would have it`;
  const route = command(`ip route get ${from.address}`);
  const raw = `${route}  (is there a way back?); ${command(LIST_RULES)}  (a rule that drops the answer, of a priority below -200; ${LEGACY})`;
  return { name, passed, drops: "its answer before conntrack sees it", rules: raw, command };
}

/** An address that every namespace has for itself. */
export function isHere(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

/** The namespace that has the address called; of one that all have, the one that told. */
function homeOf({ to, netns }: ConnectionJson, { found }: FactCollector): number | undefined {
  if (isHere(to.address)) return netns ?? undefined;
  const homes = found.homes(to.address);
  return homes.length === 1 ? homes[0]!.netns : undefined;
}
