/** Which socket listens where a flow's end is: in the namespace that has the end's address. */
import {
  FLOW,
  isIpv4,
  isUnspecified,
  kindFlags,
  kindProtocol,
  SOCKET,
  SOCKET_FLAG,
  SOCKET_WORDS,
  sameAddress,
} from "@conntrail/model";
import { entryValue, firstEntry, nextEntry } from "./hash-index.ts";
import { HOLDER, holderOf, type NamespaceIndex } from "./namespaces.ts";
import { protocolAt } from "./row.ts";
import { isBefore, portHash, SOCKET_MATCH, type SocketSet } from "./socket-set.ts";

/** What is known beside the row. */
export interface Surroundings {
  readonly sockets: SocketSet;
  readonly namespaces: NamespaceIndex;
}

/**
 * The row of the listener that covers the address at `address` and `port`, seen by `endMs`; else one of SOCKET_MATCH. It is looked for in
 * namespace `seenIn`, or if that is 0 in the one that has the address. Where no namespace is known to have it, only a listener bound
 * to the very address counts: a wildcard would cover every remote address too.
 */
export function listenerAt(
  around: Surroundings,
  page: Uint32Array,
  base: number,
  address: number,
  port: number,
  seenIn: number,
  endMs: number,
): number {
  const own = page[base + FLOW.netns]!;
  const holder = seenIn || holderOf(around.namespaces, own, page, address);
  if (holder === HOLDER.several) return SOCKET_MATCH.none;
  const netns = holder === HOLDER.none ? own : holder;
  const row = findListener(around.sockets, netns, protocolAt(page, base), page, address, port, endMs);
  if (holder !== HOLDER.none || row < 0) return row;
  const bound = sameAddress(around.sockets.rows, row * SOCKET_WORDS + SOCKET.local, page, address);
  return bound ? row : SOCKET_MATCH.none;
}

/**
 * The listener that covers an address and port in a namespace, among those seen by `endMs`: the one bound to the very address,
 * else to the wildcard of its family, else to the IPv6 wildcard with dual stack. A group of equals with one owner counts as one.
 */
function findListener(
  set: SocketSet,
  netns: number,
  protocol: number,
  words: Uint32Array,
  address: number,
  port: number,
  endMs: number,
): number {
  const hash = portHash(netns, protocol, port);
  let best: number = SOCKET_MATCH.none;
  let bestRow: number = SOCKET_MATCH.none;
  let level = 0;
  for (let at = firstEntry(set.listeners, hash); at >= 0; at = nextEntry(set.listeners, hash, at)) {
    const row = entryValue(set.listeners, at);
    const base = row * SOCKET_WORDS;
    if (set.rows[base + SOCKET.netns] !== netns || set.rows[base + SOCKET.ports]! >>> 16 !== port) continue;
    if (kindProtocol(set.rows[base + SOCKET.kind]!) !== protocol || set.firstSeenMs[row]! > endMs) continue;
    const covered = coverage(set.rows, base, words, address);
    if (covered === 0 || covered < level) continue;
    if (covered > level) best = row;
    else if (set.rows[bestRow * SOCKET_WORDS + SOCKET.owner] !== set.rows[base + SOCKET.owner])
      best = SOCKET_MATCH.several;
    if (covered > level || isBefore(set, row, bestRow)) {
      if (best >= 0) best = row;
      bestRow = row;
    }
    level = covered;
  }
  return best;
}

/** 3: bound to the address; 2: to the wildcard of its family; 1: to the IPv6 wildcard, which takes IPv4 too; 0: not at all. */
function coverage(rows: Uint32Array, base: number, words: Uint32Array, address: number): number {
  if (sameAddress(rows, base + SOCKET.local, words, address)) return 3;
  if (!isUnspecified(rows, base + SOCKET.local)) return 0;
  const ipv4 = isIpv4(words, address);
  if (isIpv4(rows, base + SOCKET.local) === ipv4) return 2;
  return ipv4 && (kindFlags(rows[base + SOCKET.kind]!) & SOCKET_FLAG.dualStack) !== 0 ? 1 : 0;
}
