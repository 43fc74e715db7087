/** Two sockets of one connection on one host: each one's local end is the other's remote end. */
import { ADDRESS_WORDS, isLoopback, sameAddress } from "@conntrail/model";
import { STATE } from "../codes.ts";
import { socketState } from "../flows/connection-state.ts";
import { entryValue, firstEntry, nextEntry } from "../rows/hash-index.ts";
import { NO_SOCKET, SEVERAL_SOCKETS, type Socket, type SocketSet } from "./socket-set.ts";

/** True for a socket that is one side of a connection. */
export function isSide(set: SocketSet, socket: Socket): boolean {
  return socketState(set.state(socket)) !== STATE.unknown && set.isConnected(socket) && !set.isOtherPath(socket);
}

/**
 * The socket at the other side of a connection: of the same namespace, else, unless an address is loopback, the only one of any other
 * namespace whose own mirror this one is. NO_SOCKET or SEVERAL_SOCKETS when there is no such one. A socket may be connected to itself
 * (simultaneous open, RFC 9293 3.5): then it is both sides (F58).
 */
export function mirrorOf(set: SocketSet, socket: Socket): Socket {
  if (areMirrors(set, socket, socket)) return socket;
  const mirror = nearestMirror(set, socket);
  if (mirror < 0 || set.netns(mirror) === set.netns(socket)) return mirror;
  return nearestMirror(set, mirror) === socket ? mirror : SEVERAL_SOCKETS;
}

/**
 * True when another socket of the namespace has the same ends and is taken: UDP allows several, and they are one connection. Sockets on several devices are connections of
 * their own, unless a flow has one of them: conntrack knows no device, so that its flow is that of all.
 */
export function hasTakenTwin(set: SocketSet, socket: Socket): boolean {
  const { words } = set;
  const hash = set.pairHash(socket);
  for (let at = firstEntry(set.pairs, hash); at >= 0; at = nextEntry(set.pairs, hash, at)) {
    const other = entryValue(set.pairs, at) as Socket;
    if (other === socket || !set.isTaken(other) || set.netns(other) !== set.netns(socket)) continue;
    if (set.device(other) !== set.device(socket) && !set.isTakenByFlow(other)) continue;
    if (set.ports(other) !== set.ports(socket) || set.protocol(other) !== set.protocol(socket)) continue;
    if (!sameAddress(words, set.local(other), words, set.local(socket))) continue;
    if (sameAddress(words, set.remote(other), words, set.remote(socket))) return true;
  }
  return false;
}

/** True when the socket's local end is the lower one (`compareEnds` of the model). */
export function isLowSide(set: SocketSet, socket: Socket): boolean {
  const local = set.local(socket);
  const remote = set.remote(socket);
  for (let i = 0; i < ADDRESS_WORDS; i++) {
    const difference = set.words[local + i]! - set.words[remote + i]!;
    if (difference !== 0) return difference < 0;
  }
  const ports = set.ports(socket);
  return ports >>> 16 <= (ports & 0xffff);
}

function nearestMirror(set: SocketSet, socket: Socket): Socket {
  const hash = set.pairHash(socket);
  let near = NO_SOCKET;
  let far = NO_SOCKET;
  let several = false;
  let severalNear = false;
  for (let at = firstEntry(set.pairs, hash); at >= 0; at = nextEntry(set.pairs, hash, at)) {
    const other = entryValue(set.pairs, at) as Socket;
    if (other === socket || !areMirrors(set, socket, other) || !isSide(set, other)) continue;
    if (set.netns(other) === set.netns(socket)) {
      if (near >= 0 && set.device(near) !== set.device(other)) severalNear = true;
      near = near < 0 || set.isBefore(other, near) ? other : near;
    } else {
      if (far >= 0 && (set.netns(far) !== set.netns(other) || set.device(far) !== set.device(other))) several = true;
      far = far < 0 || set.isBefore(other, far) ? other : far;
    }
  }
  if (severalNear) return SEVERAL_SOCKETS;
  if (near >= 0 || far < 0) return near;
  if (isLoopback(set.words, set.local(socket)) || isLoopback(set.words, set.remote(socket))) return NO_SOCKET;
  return several ? SEVERAL_SOCKETS : far;
}

function areMirrors(set: SocketSet, a: Socket, b: Socket): boolean {
  const { words } = set;
  const ports = set.ports(a);
  return (
    set.ports(b) === ((ports << 16) | (ports >>> 16)) >>> 0 &&
    set.protocol(a) === set.protocol(b) &&
    sameAddress(words, set.local(a), words, set.remote(b)) &&
    sameAddress(words, set.remote(a), words, set.local(b))
  );
}
