/** The connection that announced another: what conntrack says of it, and the number that it is told by. */
import { formatAddress, kindProtocol, MASTER, type Master, protocolName } from "@conntrail/model";
import { nextInRing, ringMembers } from "../chains/ring.ts";
import type { Row } from "../rows/row.ts";
import { tupleHash } from "../rows/tuple-hash.ts";
import type { FlowRows } from "./flow-rows.ts";

/** Keeps who announced a flow; the batch says it again with each change. */
export function noteMaster(rows: FlowRows, row: Row, record: Uint32Array): void {
  if (rows.masters.has(row)) return;
  rows.masters.set(row, record);
  rows.touch(row);
}

/** Who announced the connection that `head` stands for: as any of its rows says. */
export function masterOf(rows: FlowRows, head: Row): Master | undefined {
  for (const row of ringMembers(rows, head)) {
    const record = rows.masters.get(row);
    if (record !== undefined) return describe(rows, row, record);
  }
  return undefined;
}

function describe(rows: FlowRows, row: Row, record: Uint32Array): Master {
  const ports = record[MASTER.ports]!;
  return {
    id: numberOf(rows, row, record),
    protocol: protocolName(kindProtocol(record[MASTER.kind]!)),
    from: { address: formatAddress(record, MASTER.source), port: ports >>> 16 },
    to: { address: formatAddress(record, MASTER.destination), port: ports & 0xffff },
  };
}

/** A tuple can be used again: it is the last one that had begun when the other did. */
function numberOf(rows: FlowRows, announced: Row, record: Uint32Array): number | null {
  const hash = tupleHash(record, MASTER.source, record[MASTER.ports]!, kindProtocol(record[MASTER.kind]!));
  let found: Row | undefined;
  for (let at = rows.firstAt(hash); at >= 0; at = rows.nextAt(hash, at)) {
    const row = rows.rowAt(at);
    if (!isMaster(rows, row, announced, record)) continue;
    if (found === undefined || rows.born(row) > rows.born(found)) found = row;
  }
  return found === undefined ? null : connectionNumber(rows, found);
}

/** The kernel keeps who announces and who is announced in one table: of one namespace and zone. */
function isMaster(rows: FlowRows, row: Row, announced: Row, record: Uint32Array): boolean {
  return (
    rows.netns(row) === rows.netns(announced) &&
    rows.protocol(row) === kindProtocol(record[MASTER.kind]!) &&
    rows.isOriginal(row, record, MASTER.source, record[MASTER.ports]!)
  );
}

function connectionNumber(rows: FlowRows, head: Row): number {
  let number = rows.identity(head);
  for (let row = nextInRing(rows, head); row !== head; row = nextInRing(rows, row)) {
    number = Math.min(number, rows.identity(row));
  }
  return number;
}
