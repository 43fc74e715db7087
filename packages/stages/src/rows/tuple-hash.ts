/** Hashes of tuples: the same in both directions and without the namespace, so that the rows and sockets of one connection meet. 31 bits (hash-index.ts). */
import { ADDRESS_WORDS, FLOW, hashEnd, isIcmp, kindProtocol } from "@conntrail/model";

/** The hash of the original tuple of the flow row at `offset`. */
export function originalHash(words: Uint32Array, offset: number): number {
  const protocol = kindProtocol(words[offset + FLOW.kind]!);
  return tupleHash(words, offset + FLOW.originalSource, words[offset + FLOW.originalPorts]!, protocol);
}

/** The hash of its reply tuple. Without NAT it is that of the original. */
export function replyHash(words: Uint32Array, offset: number): number {
  const protocol = kindProtocol(words[offset + FLOW.kind]!);
  const ports = words[offset + FLOW.replyPorts]!;
  if (!isIcmp(protocol)) return tupleHash(words, offset + FLOW.replySource, ports, protocol);
  const source = hashEnd(words, offset + FLOW.replyDestination, ports >>> 16);
  const type = words[offset + FLOW.originalPorts]! & 0xffff;
  return (source + hashEnd(words, offset + FLOW.replySource, type) + protocol) >>> 1;
}

/** The hash of two addresses that lie one after the other, their ports (source << 16 | destination) and a protocol. */
export function tupleHash(words: Uint32Array, addresses: number, ports: number, protocol: number): number {
  const source = hashEnd(words, addresses, ports >>> 16);
  return (source + hashEnd(words, addresses + ADDRESS_WORDS, ports & 0xffff) + protocol) >>> 1;
}

/** The hash of one address. */
export function addressHash(words: Uint32Array, offset: number): number {
  return hashEnd(words, offset, 0) >>> 1;
}

/** The hash that a listener is found by. */
export function portHash(netns: number, protocol: number, port: number): number {
  return mixed(Math.imul(netns, 0x9e3779b1) ^ ((port << 8) | protocol));
}

function mixed(word: number): number {
  const h = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 1;
}
