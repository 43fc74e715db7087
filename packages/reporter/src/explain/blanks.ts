/** What a row does not say: what was looked for, where that ended, and what would help. */
import type { ConnectionJson, HealthJson } from "@conntrail/report";
import { answerBlank } from "./answer-blank.ts";
import { directionBlank } from "./direction-blank.ts";
import type { Blank } from "./explanation.ts";
import type { FactCollector } from "./fact-collector.ts";
import { halfClosedBlank } from "./half-closed.ts";
import { namesBlank } from "./names-blank.ts";
import { processBlank } from "./process-blank.ts";
import { CONNTRACK_REASON } from "./reasons.ts";
import { inNamespace } from "./row-place.ts";
import { untrackedText } from "./untracked.ts";

/** Where facts are from. */
export interface FactOrigin {
  /** ISO 8601: the time from which on facts were kept; null for all. */
  readonly since: string | null;
  /** They are from a file that is not a recording of ours: conntrack's messages or lines alone. */
  readonly isForeign: boolean;
}

/** The blanks of a row. `health` is that of the report that told it last. */
export function blanksOf(row: ConnectionJson, health: HealthJson, seen: FactCollector, origin: FactOrigin): Blank[] {
  const { since, isForeign } = origin;
  return [
    ...factsBlank(row, since, seen.facts.length === 0),
    ...directionBlank(row, health, seen, isForeign),
    ...answerBlank(row, seen),
    ...halfClosedBlank(row, seen),
    ...processBlank(row, "from", health, seen, isForeign),
    ...processBlank(row, "to", health, seen, isForeign),
    ...namesBlank(row, "from", health, seen, isForeign),
    ...namesBlank(row, "to", health, seen, isForeign),
    ...flowBlank(row, health, seen),
  ];
}

/** Facts that were there and are gone, or are told of nobody by itself. */
function factsBlank({ firstSeen, flags, count }: ConnectionJson, since: string | null, isBare: boolean): Blank[] {
  if (flags?.includes("aggregated")) {
    const text = `the row sums up ${count} connections of one client to one service, for more ended between two reports than it has room for; what was told of each is not kept`;
    return [
      {
        about: "facts",
        text,
        help: "conntrail record keeps everything; with a shorter --interval fewer end between two reports",
      },
    ];
  }
  const help = "conntrail record keeps everything, and conntrail why --replay FILE asks it";
  if (since === null || (firstSeen !== null && firstSeen > since)) {
    if (!isBare) return [];
    return [{ about: "facts", text: "nothing that was kept speaks of it: only the row is left", help }];
  }
  const text = `it is older than what is kept: of what was told before ${since} only the row is left`;
  return [{ about: "facts", text, help }];
}

/** What only conntrack tells. */
function flowBlank(row: ConnectionJson, { conntrack }: HealthJson, seen: FactCollector): Blank[] {
  if (!row.sources.includes("conntrack")) {
    const lacks = "; NAT, bytes and who opened it are not known from there";
    if (conntrack.reason !== null) {
      const text = `conntrack told of no such flow: ${CONNTRACK_REASON[conntrack.reason]}${lacks}`;
      const print = "conntrail doctor says what is missing, and prints what mends it";
      return [{ about: "nat", text, help: conntrack.advice ?? print }];
    }
    const [text, help] = untrackedText(row, seen);
    return [{ about: "nat", text: `${text}${lacks}`, help }];
  }
  if (row.counters !== undefined) return [];
  const command = inNamespace(row, "sysctl -w net.netfilter.nf_conntrack_acct=1");
  const none = "no bytes and packets were told";
  const isDumped = seen.facts.some(({ source }) => source === "dump");
  if (seen.isForgotten || isDumped) {
    const by = seen.isForgotten ? "its end" : "the dump";
    const text = `${none}, though ${by} would have had them: nf_conntrack_acct was 0 when it began`;
    return [{ about: "counters", text, help: `${command}  (new connections only)` }];
  }
  const late = "the kernel tells them in a dump, or when it forgets the connection";
  if (row.netns !== null && seen.counting.has(row.netns)) {
    const text = `${none} yet: ${late}; it counts here, as others show`;
    return [{ about: "counters", text, help: seen.isRecorded ? "a longer recording has them" : "ask again later" }];
  }
  const look = inNamespace(row, "sysctl net.netfilter.nf_conntrack_acct");
  const help = `${look}  (1: ${seen.isRecorded ? "a longer recording has them" : "they come later"}; 0: nothing is counted, and -w …=1 counts new connections)`;
  return [{ about: "counters", text: `${none}: ${late}, and only where nf_conntrack_acct is 1`, help }];
}
