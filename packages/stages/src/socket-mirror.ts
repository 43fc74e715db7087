/** Two sockets of one connection on one host: each one's local end is the other's remote end. */
import {
  ADDRESS_WORDS,
  isLoopback,
  kindProtocol,
  kindState,
  SOCKET,
  SOCKET_WORDS,
  sameAddress,
} from "@conntrail/model";
import { STATE } from "./codes.ts";
import { socketState } from "./flow-state.ts";
import { entryValue, firstEntry, nextEntry } from "./hash-index.ts";
import { pairHash } from "./row.ts";
import { isBefore, isConnected, SOCKET_MATCH, type SocketSet } from "./socket-set.ts";

/** True for a row that is one side of a connection. */
export function isSide(set: SocketSet, row: number): boolean {
  const base = row * SOCKET_WORDS;
  return socketState(kindState(set.rows[base + SOCKET.kind]!)) !== STATE.unknown && isConnected(set.rows, base);
}

/**
 * The row at the other side of a connection: of the same namespace, else, unless an address is loopback, the only one of any other
 * namespace whose own mirror this row is. Else one of SOCKET_MATCH.
 */
export function mirrorOf(set: SocketSet, row: number): number {
  const mirror = nearestMirror(set, row);
  if (mirror < 0 || netns(set, mirror) === netns(set, row)) return mirror;
  return nearestMirror(set, mirror) === row ? mirror : SOCKET_MATCH.several;
}

/** True when another row of the namespace has the same ends and is taken: UDP allows several, and they are one connection. */
export function hasTakenTwin(set: SocketSet, row: number): boolean {
  const base = row * SOCKET_WORDS;
  const { rows } = set;
  const hash = pairHash(rows, base);
  for (let at = firstEntry(set.pairs, hash); at >= 0; at = nextEntry(set.pairs, hash, at)) {
    const other = entryValue(set.pairs, at);
    const otherBase = other * SOCKET_WORDS;
    if (other === row || set.taken[other] === 0 || netns(set, other) !== netns(set, row)) continue;
    if (rows[otherBase + SOCKET.ports] !== rows[base + SOCKET.ports]) continue;
    if (kindProtocol(rows[otherBase + SOCKET.kind]!) !== kindProtocol(rows[base + SOCKET.kind]!)) continue;
    if (!sameAddress(rows, otherBase + SOCKET.local, rows, base + SOCKET.local)) continue;
    if (sameAddress(rows, otherBase + SOCKET.remote, rows, base + SOCKET.remote)) return true;
  }
  return false;
}

/** True when the row's local end is the lower one (`compareEnds` of the model). */
export function isLowSide(rows: Uint32Array, base: number): boolean {
  for (let i = 0; i < ADDRESS_WORDS; i++) {
    const difference = rows[base + SOCKET.local + i]! - rows[base + SOCKET.remote + i]!;
    if (difference !== 0) return difference < 0;
  }
  const ports = rows[base + SOCKET.ports]!;
  return ports >>> 16 <= (ports & 0xffff);
}

function nearestMirror(set: SocketSet, row: number): number {
  const base = row * SOCKET_WORDS;
  const hash = pairHash(set.rows, base);
  let near: number = SOCKET_MATCH.none;
  let far: number = SOCKET_MATCH.none;
  let several = false;
  for (let at = firstEntry(set.pairs, hash); at >= 0; at = nextEntry(set.pairs, hash, at)) {
    const other = entryValue(set.pairs, at);
    if (other === row || !mirrors(set.rows, base, other * SOCKET_WORDS) || !isSide(set, other)) continue;
    if (netns(set, other) === netns(set, row)) near = near < 0 || isBefore(set, other, near) ? other : near;
    else {
      if (far >= 0 && netns(set, far) !== netns(set, other)) several = true;
      far = far < 0 || isBefore(set, other, far) ? other : far;
    }
  }
  if (near >= 0 || far < 0) return near;
  if (isLoopback(set.rows, base + SOCKET.local) || isLoopback(set.rows, base + SOCKET.remote)) return SOCKET_MATCH.none;
  return several ? SOCKET_MATCH.several : far;
}

function mirrors(rows: Uint32Array, a: number, b: number): boolean {
  const ports = rows[a + SOCKET.ports]!;
  return (
    rows[b + SOCKET.ports] === ((ports << 16) | (ports >>> 16)) >>> 0 &&
    kindProtocol(rows[a + SOCKET.kind]!) === kindProtocol(rows[b + SOCKET.kind]!) &&
    sameAddress(rows, a + SOCKET.local, rows, b + SOCKET.remote) &&
    sameAddress(rows, a + SOCKET.remote, rows, b + SOCKET.local)
  );
}

function netns(set: SocketSet, row: number): number {
  return set.rows[row * SOCKET_WORDS + SOCKET.netns]!;
}
