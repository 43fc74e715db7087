/**
 * The tuple on the wire where a flow's packets enter and leave its namespace, in the direction opener to server: what the opener's end sends comes
 * in, what the server's end sends, reversed, goes out. A wire is read where it lies: two places of addresses in the rows' words, and both ports.
 */
import { isLoopback, sameAddress } from "@conntrail/model";
import type { FlowRows } from "../flows/flow-rows.ts";
import type { Row } from "../rows/row.ts";

/** A tuple on a wire. It holds until a row is added. */
export interface Wire {
  /** Where the addresses lie in the rows' words. */
  readonly source: number;
  readonly destination: number;
  /** source << 16 | destination */
  readonly ports: number;
}

/** The tuple that a flow enters its namespace with. */
export function entryOf(rows: FlowRows, row: Row): Wire {
  const opener = rows.opener(row);
  return { source: rows.address(row, opener), destination: rows.peer(row, opener), ports: rows.ports(row, opener) };
}

/** The tuple that a flow leaves its namespace with. */
export function exitOf(rows: FlowRows, row: Row): Wire {
  const server = rows.server(row);
  const ports = rows.isSwapped(row) ? turned(rows.ports(row, server)) : rows.exitPorts(row);
  return { source: rows.peer(row, server), destination: rows.address(row, server), ports };
}

/** The direction-free hash of the tuple that a flow leaves its namespace with. */
export function exitHash(rows: FlowRows, row: Row): number {
  return rows.hashAt(row, rows.server(row));
}

/** How two wires relate. */
export const SAME_WIRE = { no: 0, yes: 1, reversed: 2 } as const;

/** Compares the entry of a flow with a wire. One of SAME_WIRE. */
export function compareEntry(rows: FlowRows, row: Row, wire: Wire): number {
  const entry = entryOf(rows, row);
  if (isSameWire(rows, entry, wire)) return SAME_WIRE.yes;
  const reversed = { source: wire.destination, destination: wire.source, ports: turned(wire.ports) };
  return isSameWire(rows, entry, reversed) ? SAME_WIRE.reversed : SAME_WIRE.no;
}

/** True when two wires are the same, direction included. */
export function isSameWire({ words }: FlowRows, a: Wire, b: Wire): boolean {
  if (a.ports !== b.ports || !sameAddress(words, a.source, words, b.source)) return false;
  return sameAddress(words, a.destination, words, b.destination);
}

/** True when packets with this tuple cannot leave their namespace. */
export function staysInside({ words }: FlowRows, { source, destination }: Wire): boolean {
  return isLoopback(words, source) || isLoopback(words, destination);
}

function turned(ports: number): number {
  return ((ports << 16) | (ports >>> 16)) >>> 0;
}
