/**
 * The rows that the merge keeps: the words of a flow (flow-row.ts of the model), followed by the merge's own. Connections
 * that only sockets showed are kept in the same layout, as a flow without NAT from the lower to the higher end.
 */
import { ADDRESS_WORDS, FLOW, FLOW_WORDS, hashEnd, hasPorts, kindProtocol, PROTOCOL, SOCKET } from "@conntrail/model";
import { REASON } from "./codes.ts";

/** Offsets of the merge's own words. "Source" is the original source, "reply" the reply source: the two real ends. */
export const ROW = {
  hash: 44,
  marks: 45, // MARK bits
  sourceOwner: 46, // id in the owner registry, 0 = none
  replyOwner: 47,
  decision: 48, // reason of the source end | of the reply end << 8 | evidence << 16 | confidence << 24
  generation: 49, // the socket table that the row was last joined with (flows) or last seen in (socket connections)
  // flows
  bornBatch: 50, // the batch that brought the row
  closedBatch: 51, // the last batch before its end was told; while it was not, the batch that ended it
  epoch: 52, // the life of the ingest that last spoke of it
  ringNext: 53, // 1 + next slot of the same connection in other namespaces, 0 = alone
  ringHead: 54, // 1 + slot of the member that has the opener, 0 = alone
  ringTail: 55, // 1 + slot of the member that has the server
  inBridge: 56, // scratch of chains.ts, 0 between its passes
  // socket connections
  lowNetns: 50, // namespace of the socket at the lower end, 0 = not seen
  highNetns: 51,
  lowInode: 52,
  highInode: 56,
  // flows
  sinceMs: 58, // double: when sockets first showed the connection, 0 = not before the flow
  closedMs: 60, // double: when it ended; when nobody saw its end, the latest moment that it can have been
} as const;

/** Words in a row: even, so that doubles stay aligned. 248 bytes. */
export const ROW_WORDS: number = FLOW_WORDS + 18;

/** Bits of `ROW.marks`. */
export const MARK = {
  hooked: 2, // can be found by its key
  closed: 4, // its end is known
  told: 8, // its end was told: never emitted again
  shown: 0x10, // was in an earlier report
  endUnseen: 0x20, // closed, but nobody saw how
  nat: 0x40, // leaves its namespace with another tuple than it came with
  loopback: 0x80, // an address of 127.0.0.0/8 or ::1 is part of it
  swapped: 0x100, // the opener is at the reply end
  sourceLocal: 0x200, // the source end is on this host
  replyLocal: 0x400,
  sourceOwn: 0x800, // the source address belongs to the row's own namespace
  replyOwn: 0x1000,
  mapped: 0x2000, // the addresses of the row's namespace are known
  sockets: 0x4000, // a socket told something about it
} as const;

/** `ROW.decision` of a row that nobody has looked at: no owners, no direction. */
export const UNDECIDED: number = REASON["no-socket"] | (REASON["no-socket"] << 8);

/** The hash of a row's original tuple: the same in both directions, and without the namespace, so that the rows of one connection meet. */
export function originalHash(words: Uint32Array, offset: number): number {
  return tupleHash(words, offset + FLOW.originalSource, words[offset + FLOW.originalPorts]!, protocolAt(words, offset));
}

/** The hash of a row's reply tuple. Without NAT it is that of the original. */
export function replyHash(words: Uint32Array, offset: number): number {
  const protocol = protocolAt(words, offset);
  const ports = words[offset + FLOW.replyPorts]!;
  if (!isIcmp(protocol)) return tupleHash(words, offset + FLOW.replySource, ports, protocol);
  const source = hashEnd(words, offset + FLOW.replyDestination, ports >>> 16);
  const type = words[offset + FLOW.originalPorts]! & 0xffff;
  return (source + hashEnd(words, offset + FLOW.replySource, type) + protocol) >>> 1;
}

/** The hash of one address. */
export function addressHash(words: Uint32Array, offset: number): number {
  return hashEnd(words, offset, 0) >>> 1;
}

/** The direction-free hash of two addresses that lie one after the other, their ports (source << 16 | destination) and a protocol. */
function tupleHash(words: Uint32Array, addresses: number, ports: number, protocol: number): number {
  const source = hashEnd(words, addresses, ports >>> 16);
  return (source + hashEnd(words, addresses + ADDRESS_WORDS, ports & 0xffff) + protocol) >>> 1;
}

/** The hash of a socket row's ends (socket-row.ts of the model): that of a flow with the same tuple. */
export function pairHash(rows: Uint32Array, base: number): number {
  return tupleHash(rows, base + SOCKET.local, rows[base + SOCKET.ports]!, kindProtocol(rows[base + SOCKET.kind]!));
}

/** The protocol number of the row at `offset`. */
export function protocolAt(words: Uint32Array, offset: number): number {
  return kindProtocol(words[offset + FLOW.kind]!);
}

/** True for ICMP and ICMPv6, whose "ports" are an id at the source and a type and code at the destination. */
export function isIcmp(protocol: number): boolean {
  return protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6;
}

/** The ports that a flow leaves its namespace with, source << 16 | destination. */
export function exitPorts(words: Uint32Array, offset: number): number {
  const protocol = protocolAt(words, offset);
  const original = words[offset + FLOW.originalPorts]!;
  const reply = words[offset + FLOW.replyPorts]!;
  if (hasPorts(protocol)) return ((reply << 16) | (reply >>> 16)) >>> 0;
  return isIcmp(protocol) ? ((reply & 0xffff0000) | (original & 0xffff)) >>> 0 : original;
}

/** True when the flow leaves its namespace with another tuple than it came with: the reply is not the original reversed. */
export function isTranslated(words: Uint32Array, offset: number): boolean {
  for (let i = 0; i < ADDRESS_WORDS; i++) {
    const at = offset + i;
    if (words[at + FLOW.originalSource] !== words[at + FLOW.replyDestination]) return true;
    if (words[at + FLOW.originalDestination] !== words[at + FLOW.replySource]) return true;
  }
  return exitPorts(words, offset) !== words[offset + FLOW.originalPorts];
}
