/**
 * Sockets that can be looked up: connected ones by their pair of ends, listeners by port, all by inode. Rows are those of
 * socket-row.ts of the model, but `SOCKET.owner` is an id of the owner registry.
 */
import {
  isUnspecified,
  kindProtocol,
  kindState,
  PROTOCOL,
  SOCKET,
  SOCKET_STATE,
  SOCKET_WORDS,
  sameAddress,
} from "@conntrail/model";
import {
  addEntry,
  createHashIndex,
  entryValue,
  firstEntry,
  type HashIndex,
  nextEntry,
  resetHashIndex,
} from "./hash-index.ts";
import { pairHash } from "./row.ts";

/** The set. Row `i` is at `rows[i * SOCKET_WORDS]`. */
export interface SocketSet {
  count: number;
  rows: Uint32Array;
  /** The same memory as doubles: half the word offset. */
  doubles: Float64Array;
  /** Unix milliseconds: start of the first scan that had the socket, end of the last one that had it. */
  firstSeenMs: Float64Array;
  lastSeenMs: Float64Array;
  /** End of the first scan that had it: when it was first known. */
  knownMs: Float64Array;
  /** 1 when a connection has the socket already. */
  taken: Uint8Array;
  readonly pairs: HashIndex;
  readonly listeners: HashIndex;
  readonly inodes: HashIndex;
}

/** What a look-up says when it is not one row. */
export const SOCKET_MATCH = { none: -1, several: -2 } as const;

/** An empty set. */
export function createSocketSet(): SocketSet {
  return {
    count: 0,
    rows: new Uint32Array(0),
    doubles: new Float64Array(0),
    firstSeenMs: new Float64Array(0),
    lastSeenMs: new Float64Array(0),
    knownMs: new Float64Array(0),
    taken: new Uint8Array(0),
    pairs: createHashIndex(0),
    listeners: createHashIndex(0),
    inodes: createHashIndex(0),
  };
}

/** Empties the set and makes room for `count` rows. */
export function resetSockets(set: SocketSet, count: number): void {
  if (set.taken.length < count) {
    const capacity = Math.ceil(count * 1.25);
    set.rows = new Uint32Array(capacity * SOCKET_WORDS);
    set.doubles = new Float64Array(set.rows.buffer);
    set.firstSeenMs = new Float64Array(capacity);
    set.lastSeenMs = new Float64Array(capacity);
    set.knownMs = new Float64Array(capacity);
    set.taken = new Uint8Array(capacity);
  }
  set.taken.fill(0);
  set.count = 0;
  for (const index of [set.pairs, set.listeners, set.inodes]) resetHashIndex(index, count);
}

/** When a socket was seen (see SocketSet). */
export interface SocketTimes {
  firstSeenMs: number;
  lastSeenMs: number;
  knownMs: number;
}

/** Appends a copy of the row at `offset` and indexes it. Returns its number. Room must have been made. */
export function addSocket(set: SocketSet, rows: Uint32Array, offset: number, owner: number, seen: SocketTimes): number {
  const row = set.count++;
  const base = row * SOCKET_WORDS;
  for (let i = 0; i < SOCKET_WORDS; i++) set.rows[base + i] = rows[offset + i]!;
  set.rows[base + SOCKET.owner] = owner;
  set.firstSeenMs[row] = seen.firstSeenMs;
  set.lastSeenMs[row] = seen.lastSeenMs;
  set.knownMs[row] = seen.knownMs;
  if (isConnected(set.rows, base)) addEntry(set.pairs, pairHash(set.rows, base), row);
  else if (isListener(set.rows, base)) addEntry(set.listeners, listenerHash(set, row), row);
  if (set.rows[base + SOCKET.inode] !== 0) addEntry(set.inodes, inodeHash(set.rows[base + SOCKET.inode]!), row);
  return row;
}

/** True when the row has a remote end. */
export function isConnected(rows: Uint32Array, base: number): boolean {
  return (rows[base + SOCKET.ports]! & 0xffff) !== 0 || !isUnspecified(rows, base + SOCKET.remote);
}

/** True for protocols without a handshake: an unconnected socket both asks and answers. */
export function isDatagram(protocol: number): boolean {
  return protocol === PROTOCOL.udp || protocol === PROTOCOL.udplite;
}

/** The row of the same socket (inode, cookie and ends) in another set, or -1. Sockets without an inode are never the same. */
export function findSame(set: SocketSet, rows: Uint32Array, base: number): number {
  const inode = rows[base + SOCKET.inode]!;
  if (inode === 0) return -1;
  const hash = inodeHash(inode);
  for (let at = firstEntry(set.inodes, hash); at >= 0; at = nextEntry(set.inodes, hash, at)) {
    const row = entryValue(set.inodes, at);
    if (isSameSocket(set.rows, row * SOCKET_WORDS, rows, base)) return row;
  }
  return -1;
}

/** True when row `a` comes before row `b` in an order that does not depend on the table's: by inode. */
export function isBefore(set: SocketSet, a: number, b: number): boolean {
  return set.rows[a * SOCKET_WORDS + SOCKET.inode]! < set.rows[b * SOCKET_WORDS + SOCKET.inode]!;
}

function isListener(rows: Uint32Array, base: number): boolean {
  const kind = rows[base + SOCKET.kind]!;
  if (rows[base + SOCKET.ports]! >>> 16 === 0) return false;
  return kindState(kind) === SOCKET_STATE.listen || isDatagram(kindProtocol(kind));
}

function isSameSocket(a: Uint32Array, aBase: number, b: Uint32Array, bBase: number): boolean {
  return (
    a[aBase + SOCKET.inode] === b[bBase + SOCKET.inode] &&
    a[aBase + SOCKET.ports] === b[bBase + SOCKET.ports] &&
    a[aBase + SOCKET.netns] === b[bBase + SOCKET.netns] &&
    sameAddress(a, aBase + SOCKET.local, b, bBase + SOCKET.local) &&
    sameAddress(a, aBase + SOCKET.remote, b, bBase + SOCKET.remote) &&
    haveSameCookie(a, aBase, b, bBase)
  );
}

/** A cookie of 0 says nothing: /proc has none. */
function haveSameCookie(a: Uint32Array, aBase: number, b: Uint32Array, bBase: number): boolean {
  const aLow = a[aBase + SOCKET.cookieLow]!;
  const aHigh = a[aBase + SOCKET.cookieHigh]!;
  const bLow = b[bBase + SOCKET.cookieLow]!;
  const bHigh = b[bBase + SOCKET.cookieHigh]!;
  return (aLow === bLow && aHigh === bHigh) || (aLow | aHigh) === 0 || (bLow | bHigh) === 0;
}

function listenerHash(set: SocketSet, row: number): number {
  const base = row * SOCKET_WORDS;
  const protocol = kindProtocol(set.rows[base + SOCKET.kind]!);
  return portHash(set.rows[base + SOCKET.netns]!, protocol, set.rows[base + SOCKET.ports]! >>> 16);
}

/** The hash that a listener is found by. */
export function portHash(netns: number, protocol: number, port: number): number {
  return mixed(Math.imul(netns, 0x9e3779b1) ^ ((port << 8) | protocol));
}

function inodeHash(inode: number): number {
  return mixed(inode);
}

function mixed(word: number): number {
  const h = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 1;
}
