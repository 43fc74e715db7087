/** Who talks to whom, counted: connections grouped by their ends' processes (or addresses) and the service's port. */
import { CONFIDENCE, CONNECTION_STATE, formatAddress, hasPorts, indexOf, isLoopback, toPort } from "@conntrail/model";
import type { RawReport } from "./raw-report.ts";

/** Connections of one kind from one node to another. */
export interface DotEdge {
  readonly from: string;
  readonly to: string;
  /** A row that is one of them. */
  readonly row: number;
  connections: number;
  failed: number;
}

/** The groups, those with the most connections first; equal ones in the order of the report. */
export function groupConnections(raw: RawReport): DotEdge[] {
  const { columns } = raw;
  const edges = new Map<string, DotEdge>();
  for (let row = 0; row < columns.length; row++) {
    const from = nodeId(raw, row, "from");
    const to = nodeId(raw, row, "to");
    const key = `${from} ${to} ${columns.protocol[row]} ${servicePort(raw, row)} ${columns.confidence[row]! >= LIKELY}`;
    const count = columns.count[row]!;
    const failed = columns.state[row] === FAILED ? count : 0;
    const known = edges.get(key);
    if (known === undefined) edges.set(key, { from, to, row, connections: count, failed });
    else {
      known.connections += count;
      known.failed += failed;
    }
  }
  return [...edges.values()].sort((a, b) => b.connections - a.connections || a.row - b.row);
}

const FAILED = indexOf(CONNECTION_STATE, "failed");
const LIKELY = indexOf(CONFIDENCE, "likely");
const NONE = indexOf(CONFIDENCE, "none");

/** The service's port; undefined when nobody knows which side the service is, or the protocol has no ports. */
export function servicePort({ columns }: RawReport, row: number): number | undefined {
  return hasPorts(columns.protocol[row]!) && columns.confidence[row] !== NONE ? toPort(columns, row) : undefined;
}

/** `PID.STARTTICKS` of a process, else the address; a loopback address with its namespace. */
function nodeId({ columns, owners }: RawReport, row: number, side: "from" | "to"): string {
  const owner = (side === "from" ? columns.fromOwner : columns.toOwner)[row]!;
  if (owner !== 0) {
    const { pid, startTicks } = owners.at(owner - 1)!;
    return `${pid}.${startTicks}`;
  }
  const words = side === "from" ? columns.originalSource : columns.replySource;
  const address = formatAddress(words, row * 4);
  return isLoopback(words, row * 4) ? `${address}@${columns.netns[row]}` : address;
}
