/** Which socket listens where a flow's end is: in the namespace that has the end's address. */
import { FLOW, SOCKET, SOCKET_WORDS, sameAddress } from "@conntrail/model";
import { HOLDER, holderOf, type NamespaceIndex } from "./namespaces.ts";
import { protocolAt } from "./row.ts";
import { findListener, SOCKET_MATCH, type SocketSet } from "./socket-set.ts";

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
