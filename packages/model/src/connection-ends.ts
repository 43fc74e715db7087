/**
 * Where the ends of a connection lie in the columns (connection-columns.ts): the opener is the original source, the server the reply source, and
 * what each of them sees of the other is the original and the reply destination. The "ports" of ICMP are the id at the opener and type and code of
 * the request at the server; the reply has the id where the request has it. GRE has its keys where others have ports, and they are translated like them.
 */
import { ADDRESS_WORDS } from "./address.ts";
import type { ConnectionColumns } from "./connection-columns.ts";
import { isIcmp } from "./protocol.ts";
import type { TupleEnd } from "./tuple.ts";

/** The opener's own port. For ICMP, the id. */
export function fromPort(columns: ConnectionColumns, row: number): number {
  return columns.originalPorts[row]! >>> 16;
}

/** The server's own port. For ICMP, type · 256 + code of the request. */
export function toPort(columns: ConnectionColumns, row: number): number {
  return isIcmp(columns.protocol[row]!) ? columns.originalPorts[row]! & 0xffff : columns.replyPorts[row]! >>> 16;
}

/** The port of the opener that the server sees. For ICMP, the id. */
export function visibleFromPort(columns: ConnectionColumns, row: number): number {
  return isIcmp(columns.protocol[row]!) ? columns.replyPorts[row]! >>> 16 : columns.replyPorts[row]! & 0xffff;
}

/** The port of the server that the opener sees. For ICMP, type · 256 + code of the request. */
export function visibleToPort(columns: ConnectionColumns, row: number): number {
  return columns.originalPorts[row]! & 0xffff;
}

/** Both ends of a connection. */
export interface ConnectionEnds {
  readonly from: TupleEnd;
  readonly to: TupleEnd;
}

/** The real ends: who opened the connection before source NAT, and who serves it after destination NAT. Addresses are views. */
export function realEnds(columns: ConnectionColumns, row: number): ConnectionEnds {
  return {
    from: { address: addressAt(columns.originalSource, row), port: fromPort(columns, row) },
    to: { address: addressAt(columns.replySource, row), port: toPort(columns, row) },
  };
}

/** The ends as the other side sees them: `from` as the server does, `to` as the opener does. Addresses are views. */
export function visibleEnds(columns: ConnectionColumns, row: number): ConnectionEnds {
  return {
    from: { address: addressAt(columns.replyDestination, row), port: visibleFromPort(columns, row) },
    to: { address: addressAt(columns.originalDestination, row), port: visibleToPort(columns, row) },
  };
}

function addressAt(addresses: Uint32Array, row: number): Uint32Array {
  return addresses.subarray(row * ADDRESS_WORDS, (row + 1) * ADDRESS_WORDS);
}
