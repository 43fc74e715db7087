/** What a row does not say: what was looked for, where that ended, and what would help. */
import { placeText } from "@conntrail/model";
import type { ConnectionJson, HealthJson } from "@conntrail/report";
import { answerBlank } from "./answer-blank.ts";
import type { Blank } from "./explanation.ts";
import type { FactCollector } from "./fact-collector.ts";
import { processBlank } from "./process-blank.ts";
import { CONNTRACK_REASON, NAMES_REASON } from "./reasons.ts";
import { inNamespace } from "./row-place.ts";

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
    ...factsBlank(row, since),
    ...directionBlank(row, health, seen, isForeign),
    ...answerBlank(row, seen),
    ...processBlank(row, "from", health, seen, isForeign),
    ...processBlank(row, "to", health, seen, isForeign),
    ...namesBlank(row, "from", health, seen, isForeign),
    ...namesBlank(row, "to", health, seen, isForeign),
    ...flowBlank(row, health),
  ];
}

/** Facts that were there and are gone. */
function factsBlank({ firstSeen }: ConnectionJson, since: string | null): Blank[] {
  if (since === null || (firstSeen !== null && firstSeen > since)) return [];
  const text = `it is older than what is kept: of what was told before ${since} only the row is left`;
  return [{ about: "facts", text, help: "conntrail record keeps everything, and conntrail why --replay FILE asks it" }];
}

function directionBlank(
  { direction, from, to }: ConnectionJson,
  health: HealthJson,
  seen: FactCollector,
  isForeign: boolean,
): Blank[] {
  const { evidence, confidence } = direction;
  if (confidence === "certain") return [];
  const about = "direction";
  const help = isForeign
    ? "conntrack -E or conntrail record, started before the connection, sees who opens it"
    : "start before the connection does: conntrack then sees who opens it";
  const reason = health.conntrack.reason === null ? "" : `: ${CONNTRACK_REASON[health.conntrack.reason]}`;
  const opening = seen.facts.some(({ source }) => source === "event" || source === "dump")
    ? "conntrack's word is of a time after the opening"
    : `conntrack told nothing of it${reason}`;
  const unheard = seen.scans === 0 ? "no sockets were read" : "no listener at just one of its ends was seen";
  if (evidence === "conntrack") {
    return [{ about, text: `${confidence}, not certain: ${opening}, and ${unheard}`, help }];
  }
  if (evidence !== "none") {
    return [{ about, text: `${confidence}, not certain: only the ports tell, for ${opening}`, help }];
  }
  const ports = `the ports ${from.port} and ${to.port} do not tell a client's from a server's`;
  return [{ about, text: `${opening}; ${unheard}; and ${ports}${rangeText(from.port, to.port, seen)}`, help }];
}

/** The range of ports for clients, where it says nothing of these two. */
function rangeText(one: number, other: number, { clientPorts }: FactCollector): string {
  if (clientPorts === undefined) return "";
  const { low, high } = clientPorts;
  const within = [one, other].filter((port) => port >= low && port <= high).length;
  if (within === 1) return "";
  return `: ${within === 2 ? "both are" : "neither is"} of the range for clients (${low}–${high})`;
}

function namesBlank(
  row: ConnectionJson,
  side: "from" | "to",
  health: HealthJson,
  seen: FactCollector,
  isForeign: boolean,
): Blank[] {
  const { names, address } = row[side];
  if (names.length > 0) return [];
  const about = `${side}.names`;
  const { state, reason, pending } = health.names;
  if (state === "off" && isForeign) {
    return [{ about, text: "this file has no names", help: "conntrail record keeps those that it looks up" }];
  }
  if (state === "off") {
    const text = reason === null ? "names were not looked up" : NAMES_REASON[reason];
    const help = reason === "switched-off" ? "without --no-names they are looked up" : "--name-server ADDRESS";
    return [{ about, text, help }];
  }
  const another = "--name-server asks another server";
  if (seen.isNameless(address)) return [{ about, text: `the name servers have no name for ${address}`, help: another }];
  if (pending > 0) {
    const text = `no answer for ${address} so far: ${pending} lookups were waiting`;
    return [{ about, text, help: `a longer --window waits longer; ${another}` }];
  }
  const why = reason === null ? "or none answered" : NAMES_REASON[reason];
  return [{ about, text: `the name servers have no name for ${address}, ${why}`, help: another }];
}

/** What only conntrack tells. */
function flowBlank(row: ConnectionJson, { conntrack }: HealthJson): Blank[] {
  if (!row.sources.includes("conntrack")) {
    const lacks = "; NAT, bytes and who opened it are not known from there";
    const place = placeText(row.protocol, row.to);
    if (conntrack.reason !== null) {
      const text = `conntrack told of no such flow: ${CONNTRACK_REASON[conntrack.reason]}${lacks}`;
      const print = "conntrail doctor says what is missing, and prints what mends it";
      return [{ about: "nat", text, help: conntrack.advice ?? print }];
    }
    const text = `conntrack works, but told of no such flow: no namespace on its way tracks it (no rule with ct or NAT, or one with notrack), or it was over before we looked${lacks}`;
    const help = `${inNamespace(row, "nft list ruleset")}  (notrack, or no ct at all, for ${place})`;
    return [{ about: "nat", text, help }];
  }
  if (row.counters !== undefined) return [];
  const command = inNamespace(row, "sysctl -w net.netfilter.nf_conntrack_acct=1");
  const isOver = row.state === "closed" || row.state === "failed";
  const when = isOver ? "" : ", and tells of new connections in a dump or at their end";
  const text = `no bytes and packets were told: the kernel counts only where nf_conntrack_acct is on${when}`;
  return [{ about: "counters", text, help: `${command}  (new connections only)` }];
}
