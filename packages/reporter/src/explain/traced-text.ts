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

/** Why a trace that ran may have missed it. */
export function missedByTrace({ lost }: HealthJson["trace"]): string {
  const otherwise = "it began before the trace ran, or the kernel itself has that end (NFS, a tunnel)";
  if (lost === 0) return `no record was lost, so ${otherwise}`;
  return `it lost ${lost} ${lost === 1 ? "record" : "records"}, which may be why; or ${otherwise}`;
}

/** What helps the next time: where the trace is off, what turns it on. */
export function traceStep(trace: HealthJson["trace"]): string | null {
  if (trace.state !== "off") return "conntrail doctor  (is the trace whole?)";
  if (trace.reason === "switched-off")
    return "without --no-trace the kernel tells who opens such a connection (the next one)";
  return traceHelp(trace);
}
