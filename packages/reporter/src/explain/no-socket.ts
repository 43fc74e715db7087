/** Why no scan had the socket of an end: it was over too soon, has just begun, or is where nobody looked. */
import { placeText } from "@conntrail/model";
import type { ConnectionJson, HealthJson } from "@conntrail/report";
import type { FactCollector } from "./fact-collector.ts";
import { traceHelp } from "./reasons.ts";
import { inNamed, lookedInto, namespaceText } from "./row-place.ts";
import { isOver, type ScanFindings } from "./scan-findings.ts";
import { missedByTrace, tracedText, traceStep } from "./traced-text.ts";
import { isDatagram } from "./verdicts.ts";

/** The shortest interval of scans that is worth its cost. */
const SHORTEST_MS = 20;

/** The text, and what would help. */
export function unseenSocket(
  row: ConnectionJson,
  side: "from" | "to",
  seen: FactCollector,
  trace: HealthJson["trace"],
): readonly [text: string, help: string | null] {
  const { found } = seen;
  const place = placeText(row.protocol, row[side]);
  const traced = tracedText(row, side, trace, seen);
  if (found.scans === 0) {
    const record = "conntrail record keeps them, and conntrail why --replay FILE asks it";
    return [`no scan of the sockets that is kept is of its time; ${traced}`, record];
  }
  if (isOver(row)) {
    const none =
      found.during === 0
        ? `it began and ended between two scans of the sockets${lifeText(row)}`
        : noScan(found, "while it lasted", place);
    if (trace.state === "off") return [`${none}; ${traced}`, traceHelp(trace)];
    const step = traceStep(trace);
    const next = step === null ? catchNext(row) : `${step}; ${catchNext(row)}`;
    return [`${none}; ${traced}: ${missedByTrace(row, side, trace, seen)}`, next];
  }
  if (found.during === 0) {
    const text = `it was first seen after the latest scan of the sockets; ${traced}`;
    if (seen.isRecorded) return [text, "a longer recording has the next scan, which sees it"];
    return [text, "ask again in some seconds: the next scan sees it"];
  }
  const [where, command] = placeAndCommand(row, side, found);
  const missing = `${noScan(found, "since it was first seen", place)}, though it is still told as ${row.state}; ${where}`;
  if (isDatagram(row.protocol)) {
    const kept =
      "a UDP flow has no end, and conntrack keeps it for a while after its last datagram (nf_conntrack_udp_timeout), so that its socket may be gone";
    return [`${missing}; ${traced}: ${kept}`, `${command}  (no socket there: the flow is over)`];
  }
  const nobody = side === "to" && !found.isListenedOn ? `, and nothing listened on ${place}` : "";
  const other = halfOpen(side, found);
  const kept =
    other === undefined
      ? "it ended there without conntrack's hearing of it, or its socket is where scans do not reach"
      : `${other} has its socket still, so that this end went without a FIN or a reset that conntrack heard, or its socket is where scans do not reach`;
  const none = other === undefined ? "only conntrack still has it" : `the end of ${other} is half open`;
  return [`${missing}${nobody}; ${traced}: ${kept}`, `${command}  (no socket there: ${none})`];
}

/** Who has the socket of the other end, where somebody has. */
function halfOpen(side: "from" | "to", { holders }: ScanFindings): string | undefined {
  const [one] = holders[side === "from" ? "to" : "from"].values();
  return one?.who;
}

/** A recording in which the next one is, with a scan while it lasts where one can be so short. */
function catchNext(row: ConnectionJson): string {
  const { from, to, protocol } = row;
  const life = lifeMs(row);
  const interval = life === undefined || life >= 200 ? 100 : life < 2 * SHORTEST_MS ? undefined : Math.floor(life / 2);
  const scans = interval === undefined ? "" : ` --scan-interval ${interval}ms`;
  return `catch the next: conntrail record again.pcapng --duration 60s${scans}, then conntrail why --replay again.pcapng ${from.address} ${placeText(protocol, to)}`;
}

/** Where was looked, and how to look there. */
function placeAndCommand(row: ConnectionJson, side: "from" | "to", found: ScanFindings): readonly [string, string] {
  const { address, port } = row[side];
  const homes = found.homes(address);
  const command = `ss ${isDatagram(row.protocol) ? "-uanp" : "-tanp"} 'sport = :${port}'`;
  const home = homes.length === 1 ? homes[0]! : undefined;
  const whose =
    homes.length === 0
      ? `none of them has the address ${address}`
      : `${homes.map(({ netns }) => namespaceText(found, netns)).join(", ")} ${homes.length === 1 ? "has" : "have"} the address`;
  return [`looked into: ${lookedInto(found)}; ${whose}`, inNamed(home?.name, command)];
}

function noScan({ during }: ScanFindings, when: string, place: string): string {
  if (during === 1) return `the one scan of the sockets ${when} had no socket with the end ${place}`;
  return `none of the ${during} scans of the sockets ${when} had a socket with the end ${place}`;
}

/** How long it lasted, where both moments are told. */
function lifeText(row: ConnectionJson): string {
  const life = lifeMs(row);
  return life === undefined ? "" : ` (${life} ms)`;
}

function lifeMs({ firstSeen, lastSeen }: ConnectionJson): number | undefined {
  if (firstSeen === null || lastSeen === null) return undefined;
  return Math.max(0, Date.parse(lastSeen) - Date.parse(firstSeen));
}
