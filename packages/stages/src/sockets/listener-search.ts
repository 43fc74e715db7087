/** The search for the socket that listens where a connection's end is: `search.over(rows, row, endMs)`, then `search.at(end)`. */
import { isIpv4, isUnspecified, sameAddress } from "@conntrail/model";
import { HOLDER, holderOf, type NamespaceIndex } from "../namespaces/namespace-index.ts";
import type { ConnectionRows } from "../rows/connection-rows.ts";
import { entryValue, firstEntry, nextEntry } from "../rows/hash-index.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import type { RowEnd } from "../rows/row-end.ts";
import { portHash } from "../rows/tuple-hash.ts";
import type { SocketHistory } from "./socket-history.ts";
import { NO_SOCKET, SEVERAL_SOCKETS, type Socket, type SocketSet } from "./socket-set.ts";

/** A search in the latest table, used again and again. */
export class ListenerSearch {
  readonly #history: SocketHistory;
  readonly #namespaces: NamespaceIndex;
  #rows: ConnectionRows | undefined;
  #row = NO_ROW;
  #endMs = 0;

  constructor(history: SocketHistory, namespaces: NamespaceIndex) {
    this.#history = history;
    this.#namespaces = namespaces;
  }

  /** Searches for listeners at the ends of a connection from now on: those that were seen by `endMs`. */
  over(rows: ConnectionRows, row: Row, endMs: number): this {
    this.#rows = rows;
    this.#row = row;
    this.#endMs = endMs;
    return this;
  }

  /**
   * The listener that covers an end, NO_SOCKET or SEVERAL_SOCKETS. It is looked for in namespace `seenIn`, or if that is 0 in the one that has the
   * address. Where no namespace is known to have it, only a listener bound to the very address counts: a wildcard would cover every remote address too.
   */
  at(end: RowEnd, seenIn = 0): Socket {
    const rows = this.#rows!;
    const own = rows.netns(this.#row);
    const address = rows.address(this.#row, end);
    const holder = seenIn || holderOf(this.#namespaces, own, rows.words, address);
    if (holder === HOLDER.several) return NO_SOCKET;
    const set = this.#history.current;
    const listener = this.#find(set, holder === HOLDER.none ? own : holder, end);
    if (holder !== HOLDER.none || listener < 0) return listener;
    return sameAddress(set.words, set.local(listener), rows.words, address) ? listener : NO_SOCKET;
  }

  /**
   * The listener that covers an end in a namespace: the one bound to the very address, else to the wildcard of its family, else to the IPv6
   * wildcard with dual stack. A group of equals with one owner counts as one.
   */
  #find(set: SocketSet, netns: number, end: RowEnd): Socket {
    const rows = this.#rows!;
    const port = rows.port(this.#row, end);
    const protocol = rows.protocol(this.#row);
    const hash = portHash(netns, protocol, port);
    let answer = NO_SOCKET;
    let best = NO_SOCKET;
    let level = 0;
    for (let at = firstEntry(set.listeners, hash); at >= 0; at = nextEntry(set.listeners, hash, at)) {
      const socket = entryValue(set.listeners, at) as Socket;
      if (set.netns(socket) !== netns || set.localPort(socket) !== port) continue;
      if (set.protocol(socket) !== protocol || set.firstSeenMs(socket) > this.#endMs) continue;
      const covered = coverage(set, socket, rows.words, rows.address(this.#row, end));
      if (covered === 0 || covered < level) continue;
      if (covered > level) answer = socket;
      else if (set.owner(best) !== set.owner(socket)) answer = SEVERAL_SOCKETS;
      if (covered > level || set.isBefore(socket, best)) {
        if (answer >= 0) answer = socket;
        best = socket;
      }
      level = covered;
    }
    return answer;
  }
}

/** 3: bound to the address; 2: to the wildcard of its family; 1: to the IPv6 wildcard, which takes IPv4 too; 0: not at all. */
function coverage(set: SocketSet, socket: Socket, words: Uint32Array, address: number): number {
  const local = set.local(socket);
  if (sameAddress(set.words, local, words, address)) return 3;
  if (!isUnspecified(set.words, local)) return 0;
  const ipv4 = isIpv4(words, address);
  if (isIpv4(set.words, local) === ipv4) return 2;
  return ipv4 && set.isDualStack(socket) ? 1 : 0;
}
