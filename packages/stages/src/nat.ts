/**
 * What the kernel rewrote, from a connection's two tuples (connection-columns.ts of the model). Both addresses and ports are
 * compared: a translation of the port alone is one too (S9).
 */
import {
  ADDRESS_WORDS,
  CONNECTION_FLAG,
  type ConnectionColumns,
  hasPorts,
  PROTOCOL,
  sameAddress,
  type TupleEnd,
} from "@conntrail/model";
import { NAT } from "./codes.ts";

/** Both ends of a connection. */
export interface Ends {
  readonly from: TupleEnd;
  readonly to: TupleEnd;
}

/** The NAT_KIND of connection `row`, as its index. A redirect is destination NAT to the very namespace that does it. */
export function natKind(columns: ConnectionColumns, row: number): number {
  const at = row * ADDRESS_WORDS;
  const from = fromPorts(columns, row);
  const to = toPorts(columns, row);
  const source = from.real !== from.seen || !sameAddress(columns.originalSource, at, columns.replyDestination, at);
  const destination = to.real !== to.seen || !sameAddress(columns.originalDestination, at, columns.replySource, at);
  if (!destination) return source ? NAT.snat : NAT.none;
  if (source) return NAT["dnat+snat"];
  return (columns.flags[row]! & CONNECTION_FLAG.toOwnNamespace) !== 0 ? NAT.redirect : NAT.dnat;
}

/** The real ends: who opened the connection before source NAT, and who serves it after destination NAT. Addresses are views. */
export function realEnds(columns: ConnectionColumns, row: number): Ends {
  return {
    from: { address: addressAt(columns.originalSource, row), port: fromPorts(columns, row).real },
    to: { address: addressAt(columns.replySource, row), port: toPorts(columns, row).real },
  };
}

/** The ends as the other side sees them: `from` as the server does, `to` as the opener does. Addresses are views. */
export function visibleEnds(columns: ConnectionColumns, row: number): Ends {
  return {
    from: { address: addressAt(columns.replyDestination, row), port: fromPorts(columns, row).seen },
    to: { address: addressAt(columns.originalDestination, row), port: toPorts(columns, row).seen },
  };
}

interface Ports {
  readonly real: number;
  readonly seen: number;
}

function fromPorts(columns: ConnectionColumns, row: number): Ports {
  const real = columns.originalPorts[row]! >>> 16;
  if (isIcmp(columns.protocol[row]!)) return { real, seen: columns.replyPorts[row]! >>> 16 };
  return { real, seen: hasPorts(columns.protocol[row]!) ? columns.replyPorts[row]! & 0xffff : real };
}

/** ICMP has no port at the server: type and code of the request stand there, and are never translated. */
function toPorts(columns: ConnectionColumns, row: number): Ports {
  const seen = columns.originalPorts[row]! & 0xffff;
  return { real: hasPorts(columns.protocol[row]!) ? columns.replyPorts[row]! >>> 16 : seen, seen };
}

function isIcmp(protocol: number): boolean {
  return protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6;
}

function addressAt(addresses: Uint32Array, row: number): Uint32Array {
  return addresses.subarray(row * ADDRESS_WORDS, (row + 1) * ADDRESS_WORDS);
}
