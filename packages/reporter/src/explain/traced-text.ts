/** What the trace told of one end, in words: it sees who opens, who closes and who sends a datagram, never who accepts. */
import type { ConnectionJson, HealthJson } from "@conntrail/report";
import type { FactCollector } from "./fact-collector.ts";
import { TRACE_REASON, traceHelp } from "./reasons.ts";
import { isOver } from "./scan-findings.ts";
import { isDatagram } from "./verdicts.ts";

/** What it saw or missed, as a clause. */
export function tracedText(
  row: ConnectionJson,
  side: "from" | "to",
  { state, reason, senders }: HealthJson["trace"],
  seen: FactCollector,
): string {
  if (state === "off") return reason === null ? "nobody traced who opens and closes" : TRACE_REASON[reason];
  if (isDatagram(row.protocol)) {
    if (senders === "over-budget") return "the trace left out who sends datagrams: there were too many";
    return "the trace saw nobody send from there";
  }
  const opener = seen.openers[side === "from" ? "to" : "from"];
  const saw =
    opener === undefined ? "the trace saw nobody" : `the trace saw ${opener} open it at the other end, and nobody`;
  const did = side === "to" ? "close" : isOver(row) ? "open or close" : "open";
  return `${saw} at this end ${did} it`;
}

/**
 * Why a trace that ran may have missed it. Whoever opens does it in its own name, so that the trace sees it; a reset ends a connection, and nobody closes
 * it.
 */
export function missedByTrace(
  { firstSeen }: ConnectionJson,
  side: "from" | "to",
  { lost }: HealthJson["trace"],
  { tracedFromMs }: FactCollector,
): string {
  const reset = side === "to" ? "a reset ended it before this end was closed, or " : "";
  const kernel = "the kernel itself has that end (NFS, a tunnel)";
  const isBefore = firstSeen !== null && tracedFromMs !== undefined && tracedFromMs <= Date.parse(firstSeen);
  const from = tracedFromMs === undefined ? "" : ` ${new Date(tracedFromMs).toISOString().slice(11, 23)}`;
  if (isBefore && lost === 0) return `it ran from${from} at the latest, and lost no record: ${reset}${kernel}, likely`;
  const ran = isBefore
    ? ""
    : `it began before the trace is known to have run${from === "" ? "" : ` (${from.slice(1)})`}, or `;
  if (lost === 0) return `no record was lost: ${ran}${reset}${kernel}`;
  return `it lost ${lost} ${lost === 1 ? "record" : "records"}, which may be why; or ${ran}${reset}${kernel}`;
}

/** What helps the next time: where the trace is off, what turns it on; null where it ran and lost nothing. */
export function traceStep(trace: HealthJson["trace"]): string | null {
  if (trace.state !== "off") return trace.lost === 0 ? null : "conntrail doctor  (why were records lost?)";
  if (trace.reason === "switched-off")
    return "without --no-trace the kernel tells who opens such a connection (the next one)";
  return traceHelp(trace);
}
