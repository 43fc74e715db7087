/** What a TCP connection did, out of its record (model's tcp-fact.ts). */
import { TCP_END, TCP_FACT, TCP_FACT_DOUBLES } from "@conntrail/model";
import type { TcpJson } from "./json-shape.ts";
import type { RawReport } from "./raw-report.ts";
import { isoTime } from "./time.ts";

/** Undefined for a row of which no socket told. */
export function tcpJson({ columns, tcp }: RawReport, row: number): TcpJson | undefined {
  const place = columns.tcp[row]!;
  const at = (place - 1) * TCP_FACT_DOUBLES;
  if (place === 0 || tcp === undefined || at >= tcp.length) return undefined;
  const fact = (offset: number): number => tcp[at + offset]!;
  return {
    originalBytes: counted(fact(TCP_FACT.originalBytes)),
    replyBytes: counted(fact(TCP_FACT.replyBytes)),
    rttMicros: fact(TCP_FACT.rttMicros),
    retransmits: fact(TCP_FACT.retransmits),
    end: TCP_END[fact(TCP_FACT.end)] ?? "from",
    measuredAt: isoTime(fact(TCP_FACT.measuredMs)),
  };
}

function counted(bytes: number): number | null {
  return bytes < 0 ? null : bytes;
}
