/**
 * Where the ends of a connection lie in the columns (connection-columns.ts): the opener is the original
 * source, the server the reply source, and what each of them sees of the other is the original and the reply destination.
 */
import type { ConnectionColumns } from "./connection-columns.ts";
import { PROTOCOL } from "./protocol.ts";

/** The opener's own port. For ICMP, the id. */
export function fromPort(columns: ConnectionColumns, row: number): number {
  return columns.originalPorts[row]! >>> 16;
}

/** The server's own port. For ICMP, type · 256 + code of the request. */
export function toPort(columns: ConnectionColumns, row: number): number {
  return isIcmp(columns, row) ? columns.originalPorts[row]! & 0xffff : columns.replyPorts[row]! >>> 16;
}

/** The port of the opener that the server sees. For ICMP, the id. */
export function visibleFromPort(columns: ConnectionColumns, row: number): number {
  return isIcmp(columns, row) ? columns.replyPorts[row]! >>> 16 : columns.replyPorts[row]! & 0xffff;
}

/** The port of the server that the opener sees. For ICMP, type · 256 + code of the request. */
export function visibleToPort(columns: ConnectionColumns, row: number): number {
  return columns.originalPorts[row]! & 0xffff;
}

function isIcmp(columns: ConnectionColumns, row: number): boolean {
  const protocol = columns.protocol[row];
  return protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6;
}
