/**
 * Connections that only sockets show: no flow has them. One row per pair of ends; two sockets that mirror each other are one
 * connection. Kept as flow rows from the lower to the higher end (`compareEnds`), until a table no longer has them.
 */
import { FLOW, FLOW_WORDS, kindProtocol, kindState, SOCKET, SOCKET_WORDS, sameAddress } from "@conntrail/model";
import { REASON } from "./codes.ts";
import { REPLY_END, type RowEnd, SOURCE_END, setEnd } from "./decision.ts";
import { directPair } from "./direction.ts";
import { startsConnection } from "./flow-state.ts";
import { entryValue, firstEntry, nextEntry } from "./hash-index.ts";
import { type JoinContext, joinSocket, joinUnseen, locate } from "./join.ts";
import { writePairRow } from "./pair-row.ts";
import { pairHash, protocolAt, ROW } from "./row.ts";
import {
  baseOf,
  createRowStore,
  doublesOf,
  insertRow,
  pageOf,
  type RowStore,
  releaseRow,
  unhookRow,
} from "./row-store.ts";
import type { SocketQuery } from "./socket-history.ts";
import { hasTakenTwin, isLowSide, isSide, mirrorOf } from "./socket-mirror.ts";
import { SOCKET_MATCH, type SocketSet } from "./socket-set.ts";

/** The connections. A row whose ROW.generation is not that of the last table has ended. */
export interface SocketConnections {
  readonly store: RowStore;
  readonly maxRows: number;
  generation: number;
  /** Connections that were turned away. */
  dropped: number;
}

/** A pair of sockets that mirror each other; -1: not seen. `ambiguous`: several could be the other one. */
interface Pair {
  low: number;
  high: number;
  ambiguous: boolean;
}

/** No connections, with room for `maxRows`. */
export function createSocketConnections(maxRows: number): SocketConnections {
  return { store: createRowStore([]), maxRows, generation: 0, dropped: 0 };
}

/** Takes the sockets of the current table in that no flow has taken. */
export function takeSockets(connections: SocketConnections, context: JoinContext): void {
  connections.generation++;
  const set = context.sockets;
  const pair: Pair = { low: -1, high: -1, ambiguous: false };
  for (let row = 0; row < set.count; row++) {
    if (set.taken[row] === 1 || !isSide(set, row)) continue;
    const twin = hasTakenTwin(set, row);
    set.taken[row] = 1;
    if (twin) continue;
    const mirror = mirrorOf(set, row);
    // Its other side belongs to a flow: so does this one.
    if (mirror >= 0 && set.taken[mirror] === 1) continue;
    if (mirror >= 0) set.taken[mirror] = 1;
    const isLow = isLowSide(set.rows, row * SOCKET_WORDS);
    pair.low = isLow ? row : Math.max(mirror, -1);
    pair.high = isLow ? Math.max(mirror, -1) : row;
    pair.ambiguous = mirror === SOCKET_MATCH.several;
    takePair(connections, context, pair);
  }
}

/**
 * Forgets the connections whose sockets the last search was about, in its namespace and in `netns`: a flow has them now. A table may be
 * stamped up to `lateMs` after it saw a socket. Returns since when one was known, or 0.
 */
export function handOver(connections: SocketConnections, query: SocketQuery, netns: number, lateMs: number): number {
  const { store } = connections;
  let sinceMs = 0;
  for (let at = firstEntry(store.index, query.hash); at >= 0; ) {
    const slot = entryValue(store.index, at);
    if (!isAbout(store, slot, query, netns, lateMs)) {
      at = nextEntry(store.index, query.hash, at);
      continue;
    }
    const seenMs = doublesOf(store, slot)[(baseOf(slot) + FLOW.firstSeenMs) >> 1]!;
    sinceMs = sinceMs === 0 ? seenMs : Math.min(sinceMs, seenMs);
    releaseRow(store, slot);
    // Entries have moved: begin again.
    at = firstEntry(store.index, query.hash);
  }
  return sinceMs;
}

/** A search is about a connection when it has the same ends, is known from one of the namespaces, and lived at the same time. */
function isAbout(store: RowStore, slot: number, query: SocketQuery, netns: number, lateMs: number): boolean {
  const page = pageOf(store, slot);
  const doubles = doublesOf(store, slot);
  const base = baseOf(slot);
  const low = page[base + ROW.lowNetns]!;
  const high = page[base + ROW.highNetns]!;
  if (low !== query.netns && high !== query.netns && (netns === 0 || (low !== netns && high !== netns))) return false;
  if (doubles[(base + FLOW.lastSeenMs) >> 1]! < query.startMs) return false;
  if (doubles[(base + FLOW.firstSeenMs) >> 1]! > query.endMs + lateMs) return false;
  if (protocolAt(page, base) !== query.protocol) return false;
  const { words, local, remote, ports } = query;
  const original = page[base + FLOW.originalPorts]!;
  const source = base + FLOW.originalSource;
  const destination = base + FLOW.originalDestination;
  if (original === ports && sameAddress(page, source, words, local) && sameAddress(page, destination, words, remote)) {
    return true;
  }
  const reversed = ((ports << 16) | (ports >>> 16)) >>> 0;
  return (
    original === reversed && sameAddress(page, source, words, remote) && sameAddress(page, destination, words, local)
  );
}

const pairRow = new Uint32Array(FLOW_WORDS);
const pairDoubles = new Float64Array(pairRow.buffer);

function takePair(connections: SocketConnections, context: JoinContext, pair: Pair): void {
  const { store } = connections;
  const set = context.sockets;
  const lowNetns = wordOf(set, pair.low, SOCKET.netns);
  const highNetns = wordOf(set, pair.high, SOCKET.netns);
  writePairRow(pairRow, pairDoubles, set, pair.low, pair.high);
  const hash = pairHash(set.rows, (pair.low < 0 ? pair.high : pair.low) * SOCKET_WORDS);
  let slot = findPair(store, hash, lowNetns, highNetns);
  if (slot >= 0 && isReused(store, slot, set, pair)) {
    // The same ends, other sockets: the earlier connection is over, and can no longer be found.
    unhookRow(store, slot);
    slot = -1;
  }
  if (slot < 0) {
    if (!startsConnection(stateOf(set, pair.low)) && !startsConnection(stateOf(set, pair.high))) return;
    if (store.size >= connections.maxRows) {
      connections.dropped++;
      return;
    }
    slot = insertRow(store, hash, pairRow, 0);
  } else refresh(store, slot);
  const page = pageOf(store, slot);
  const base = baseOf(slot);
  page[base + ROW.generation] = connections.generation;
  page[base + ROW.lowNetns] = lowNetns || page[base + ROW.lowNetns]!;
  page[base + ROW.highNetns] = highNetns || page[base + ROW.highNetns]!;
  page[base + ROW.lowInode] = wordOf(set, pair.low, SOCKET.inode) || page[base + ROW.lowInode]!;
  page[base + ROW.highInode] = wordOf(set, pair.high, SOCKET.inode) || page[base + ROW.highInode]!;
  locate(context.namespaces, page, base);
  const lowState = stateOf(set, pair.low);
  directPair(context, page, base, { lowState, highState: stateOf(set, pair.high), lowNetns, highNetns });
  joinSide(context, page, base, SOURCE_END, pair.low, pair.ambiguous);
  joinSide(context, page, base, REPLY_END, pair.high, pair.ambiguous);
}

function joinSide(
  context: JoinContext,
  page: Uint32Array,
  base: number,
  end: RowEnd,
  row: number,
  ambiguous: boolean,
): void {
  if (row >= 0) joinSocket(context, page, base, end, context.sockets, row, Number.POSITIVE_INFINITY);
  else if (ambiguous) setEnd(page, base, end, 0, REASON.ambiguous);
  else joinUnseen(context, page, base, end, Number.POSITIVE_INFINITY);
}

/** What changes while a connection lives: its state, its last moment and its counters. */
function refresh(store: RowStore, slot: number): void {
  const page = pageOf(store, slot);
  const base = baseOf(slot);
  page[base + FLOW.kind] = pairRow[FLOW.kind]!;
  for (const word of REFRESHED) for (const half of [0, 1]) page[base + word + half] = pairRow[word + half]!;
}

const REFRESHED = [FLOW.lastSeenMs, FLOW.originalBytes, FLOW.replyBytes];

function findPair(store: RowStore, hash: number, lowNetns: number, highNetns: number): number {
  for (let at = firstEntry(store.index, hash); at >= 0; at = nextEntry(store.index, hash, at)) {
    const slot = entryValue(store.index, at);
    const page = pageOf(store, slot);
    const base = baseOf(slot);
    const low = page[base + ROW.lowNetns]!;
    const high = page[base + ROW.highNetns]!;
    const shared = (lowNetns !== 0 && low === lowNetns) || (highNetns !== 0 && high === highNetns);
    if (shared && hasSameEnds(page, base)) return slot;
  }
  return -1;
}

function hasSameEnds(page: Uint32Array, base: number): boolean {
  return (
    page[base + FLOW.originalPorts] === pairRow[FLOW.originalPorts] &&
    protocolAt(page, base) === kindProtocol(pairRow[FLOW.kind]!) &&
    sameAddress(page, base + FLOW.originalSource, pairRow, FLOW.originalSource) &&
    sameAddress(page, base + FLOW.originalDestination, pairRow, FLOW.originalDestination)
  );
}

function isReused(store: RowStore, slot: number, set: SocketSet, pair: Pair): boolean {
  const page = pageOf(store, slot);
  const base = baseOf(slot);
  return (
    areOthers(page[base + ROW.lowInode]!, wordOf(set, pair.low, SOCKET.inode)) ||
    areOthers(page[base + ROW.highInode]!, wordOf(set, pair.high, SOCKET.inode))
  );
}

/** Inode 0 says nothing: the process has closed its descriptor, or the side was not seen. */
function areOthers(a: number, b: number): boolean {
  return a !== b && a !== 0 && b !== 0;
}

function wordOf(set: SocketSet, row: number, word: number): number {
  return row < 0 ? 0 : set.rows[row * SOCKET_WORDS + word]!;
}

function stateOf(set: SocketSet, row: number): number {
  return kindState(wordOf(set, row, SOCKET.kind));
}
