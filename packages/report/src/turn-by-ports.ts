/**
 * Scope draws every connection from a client to a server. Where a report does not say which is which, the end with the lower port is taken for the server, as Scope's own
 * probe does (S13); everything that belongs to an end moves with it.
 */
import {
  ADDRESS_WORDS,
  CONNECTION_FLAG,
  type ConnectionColumns,
  EVIDENCE,
  fromPort,
  indexOf,
  takeRows,
  toPort,
} from "@conntrail/model";
import type { RawReport } from "./raw-report.ts";

const NONE = indexOf(EVIDENCE, "none");

/** Columns of one end and of the other, one value a row each. */
const PAIRS = [
  ["originalPorts", "replyPorts"],
  ["fromOwner", "toOwner"],
  ["fromReason", "toReason"],
  ["fromNames", "toNames"],
  ["fromDevice", "toDevice"],
  ["originalPackets", "replyPackets"],
  ["originalBytes", "replyBytes"],
] as const;

/** The same in addresses. */
const ADDRESSES = [
  ["originalSource", "replySource"],
  ["originalDestination", "replyDestination"],
] as const;

const { fromLocal, toLocal, fromTraced, toTraced } = CONNECTION_FLAG;
const FLAGS = [
  [fromLocal, toLocal],
  [fromTraced, toTraced],
] as const;

/** The report itself where every direction is known, else a copy of its columns with those rows turned whose `from` end has the lower port. */
export function turnByPorts(raw: RawReport): RawReport {
  const { columns } = raw;
  const turned: number[] = [];
  for (let row = 0; row < columns.length; row++) {
    if (columns.evidence[row] === NONE && fromPort(columns, row) < toPort(columns, row)) turned.push(row);
  }
  if (turned.length === 0) return raw;
  const copy = takeRows(
    columns,
    Uint32Array.from({ length: columns.length }, (_, row) => row),
  );
  for (const row of turned) turn(copy, row);
  return { ...raw, columns: copy };
}

function turn(columns: ConnectionColumns, row: number): void {
  for (const [a, b] of PAIRS) swap(columns[a], columns[b], row);
  for (const [a, b] of ADDRESSES) {
    for (let word = 0; word < ADDRESS_WORDS; word++) swap(columns[a], columns[b], row * ADDRESS_WORDS + word);
  }
  const flags = columns.flags[row]!;
  for (const [a, b] of FLAGS) {
    const [hasA, hasB] = [(flags & a) !== 0, (flags & b) !== 0];
    if (hasA !== hasB) columns.flags[row]! ^= a | b;
  }
}

function swap(a: Uint8Array | Uint16Array | Uint32Array | Float64Array, b: typeof a, at: number): void {
  const kept = a[at]!;
  a[at] = b[at]!;
  b[at] = kept;
}
