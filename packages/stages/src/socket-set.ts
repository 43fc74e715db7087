/**
 * Sockets that can be looked up: connected ones by their pair of ends, listeners by port, all by inode. Rows are those of
 * socket-row.ts of the model, but `SOCKET.owner` is an id of the owner registry.
 */
import {
  isIpv4,
  isUnspecified,
  kindFlags,
  kindProtocol,
  kindState,
  PROTOCOL,
  SOCKET,
  SOCKET_FLAG,
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

/**
 * The listener that covers an address and port in a namespace, among those seen by `endMs`: the one bound to the very address,
 * else to the wildcard of its family, else to the IPv6 wildcard with dual stack. A group of equals with one owner counts as one.
 */
export function findListener(
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

/** True when row `a` comes before row `b` in an order that does not depend on the table's: by inode. */
export function isBefore(set: SocketSet, a: number, b: number): boolean {
  return set.rows[a * SOCKET_WORDS + SOCKET.inode]! < set.rows[b * SOCKET_WORDS + SOCKET.inode]!;
}

/** 3: bound to the address; 2: to the wildcard of its family; 1: to the IPv6 wildcard, which takes IPv4 too; 0: not at all. */
function coverage(rows: Uint32Array, base: number, words: Uint32Array, address: number): number {
  if (sameAddress(rows, base + SOCKET.local, words, address)) return 3;
  if (!isUnspecified(rows, base + SOCKET.local)) return 0;
  const ipv4 = isIpv4(words, address);
  if (isIpv4(rows, base + SOCKET.local) === ipv4) return 2;
  return ipv4 && (kindFlags(rows[base + SOCKET.kind]!) & SOCKET_FLAG.dualStack) !== 0 ? 1 : 0;
}

function isListener(rows: Uint32Array, base: number): boolean {
  const kind = rows[base + SOCKET.kind]!;
  if (rows[base + SOCKET.ports]! >>> 16 === 0) return false;
  return kindState(kind) === SOCKET_STATE.listen || isDatagram(kindProtocol(kind));
}

function isSameSocket(a: Uint32Array, aBase: number, b: Uint32Array, bBase: number): boolean {
  for (const word of [SOCKET.inode, SOCKET.ports, SOCKET.netns]) if (a[aBase + word] !== b[bBase + word]) return false;
  const aCookie = a[aBase + SOCKET.cookieLow]! + a[aBase + SOCKET.cookieHigh]! * 2 ** 32;
  const bCookie = b[bBase + SOCKET.cookieLow]! + b[bBase + SOCKET.cookieHigh]! * 2 ** 32;
  if (aCookie !== bCookie && aCookie !== 0 && bCookie !== 0) return false;
  return (
    sameAddress(a, aBase + SOCKET.local, b, bBase + SOCKET.local) &&
    sameAddress(a, aBase + SOCKET.remote, b, bBase + SOCKET.remote)
  );
}

function listenerHash(set: SocketSet, row: number): number {
  const base = row * SOCKET_WORDS;
  const protocol = kindProtocol(set.rows[base + SOCKET.kind]!);
  return portHash(set.rows[base + SOCKET.netns]!, protocol, set.rows[base + SOCKET.ports]! >>> 16);
}

function portHash(netns: number, protocol: number, port: number): number {
  return mixed(Math.imul(netns, 0x9e3779b1) ^ ((port << 8) | protocol));
}

function inodeHash(inode: number): number {
  return mixed(inode);
}

function mixed(word: number): number {
  const h = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 1;
}
