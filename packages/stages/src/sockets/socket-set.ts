/**
 * A set of sockets, and ways to find them: by both ends, by listening port. Only this file knows where a field of a socket lies:
 * the words of the model's socket-row.ts, then when it was seen and whether a connection has it.
 */
import {
  isUnspecified,
  kindFlags,
  kindProtocol,
  kindState,
  SOCKET,
  SOCKET_FLAG,
  SOCKET_STATE,
  SOCKET_WORDS,
} from "@conntrail/model";
import {
  addEntry,
  createHashIndex,
  entryValue,
  firstEntry,
  type HashIndex,
  nextEntry,
  resetHashIndex,
} from "../rows/hash-index.ts";
import { portHash, tupleHash } from "../rows/tuple-hash.ts";
import { isDatagram } from "./is-datagram.ts";
import { identityAt, isSameAt } from "./socket-identity.ts";

declare const socket: unique symbol;

/** A socket of a set, as a number that only the set can read. It holds until the set is filled anew. */
export type Socket = number & { readonly [socket]: never };

/** What a search says when it is not one socket. */
export const NO_SOCKET: Socket = -1 as Socket;
export const SEVERAL_SOCKETS: Socket = -2 as Socket;

/** What has a socket: a flow, which conntrack told of, or a connection that only sockets show. */
export const TAKEN_BY = { flow: 1, pair: 2 } as const;

/** Beside who has it, and kept when it vanishes: a flow had it in an earlier table; the connection that it was of was told as over. */
const HAD = 0x80;
const OVER = 0x40;
const KEPT = HAD | OVER;

/** Words of a row, as a power of two: 128 bytes. */
const SHIFT = 5;
const STRIDE = 1 << SHIFT;

const OWN = {
  firstSeenMs: SOCKET_WORDS, // double: beginning of the first scan that had it
  lastSeenMs: SOCKET_WORDS + 2, // double: end of the last one
  knownMs: SOCKET_WORDS + 4, // double: end of the first one, when it was first known
} as const;

/** When a socket was seen (see above). */
export interface SocketTimes {
  firstSeenMs: number;
  lastSeenMs: number;
  knownMs: number;
}

/** The set. */
export class SocketSet {
  /** Every socket's words: read elsewhere only to compare addresses where they lie. */
  words: Uint32Array = new Uint32Array(0);
  #doubles: Float64Array = new Float64Array(0);
  /** One byte a socket: who has it, one of TAKEN_BY; 0 = nobody. */
  #taken = new Uint8Array(0);
  #end = 0;
  readonly pairs: HashIndex = createHashIndex(0);
  readonly listeners: HashIndex = createHashIndex(0);

  /** Empties the set and makes room for `count` sockets. */
  reset(count: number): void {
    if (this.words.length < count * STRIDE) {
      const room = Math.ceil(count * 1.25);
      this.words = new Uint32Array(room * STRIDE);
      this.#doubles = new Float64Array(this.words.buffer);
      this.#taken = new Uint8Array(room);
    }
    this.#taken.fill(0);
    this.#end = 0;
    for (const index of [this.pairs, this.listeners]) resetHashIndex(index, count);
  }

  /** Appends a copy of the socket row at `offset` of `rows`, and returns it. Room must have been made; when it was seen is to be noted. */
  add(rows: Uint32Array, offset: number, owner: number): Socket {
    const socket = this.#end as Socket;
    this.#end += STRIDE;
    for (let i = 0; i < SOCKET_WORDS; i++) this.words[socket + i] = rows[offset + i]!;
    this.words[socket + SOCKET.owner] = owner;
    if (this.isConnected(socket)) addEntry(this.pairs, this.pairHash(socket), socket);
    else if (this.isListener(socket)) addEntry(this.listeners, this.#listenerHash(socket), socket);
    return socket;
  }

  /** Notes when a socket was seen. */
  noteSeen(socket: Socket, { firstSeenMs, lastSeenMs, knownMs }: SocketTimes): void {
    this.#doubles[(socket + OWN.firstSeenMs) >> 1] = firstSeenMs;
    this.#doubles[(socket + OWN.lastSeenMs) >> 1] = lastSeenMs;
    this.#doubles[(socket + OWN.knownMs) >> 1] = knownMs;
  }

  /** Appends a socket of another set as it is there. */
  move(from: SocketSet, socket: Socket): void {
    const seen = {
      firstSeenMs: from.firstSeenMs(socket),
      lastSeenMs: from.lastSeenMs(socket),
      knownMs: from.knownMs(socket),
    };
    const moved = this.add(from.words, socket, from.owner(socket));
    this.noteSeen(moved, seen);
    this.#taken[moved >>> SHIFT] = from.#taken[socket >>> SHIFT]! & KEPT;
  }

  /** True when nothing is in it. */
  get isEmpty(): boolean {
    return this.#end === 0;
  }

  /** The first socket, or NO_SOCKET. */
  first(): Socket {
    return this.#end === 0 ? NO_SOCKET : (0 as Socket);
  }

  /** The one after it. */
  after(socket: Socket): Socket {
    const next = socket + STRIDE;
    return next < this.#end ? (next as Socket) : NO_SOCKET;
  }

  /**
   * The same socket as `other` of another set, or NO_SOCKET: one with its ends and its cookie, which it keeps for its whole life, also when its process has let go of it; where
   * there are no cookies (/proc) one with its ends and its inode.
   */
  findSame(from: SocketSet, other: Socket): Socket {
    const connected = from.isConnected(other);
    const index = connected ? this.pairs : this.listeners;
    const hash = connected ? from.pairHash(other) : from.#listenerHash(other);
    for (let at = firstEntry(index, hash); at >= 0; at = nextEntry(index, hash, at)) {
      const socket = entryValue(index, at) as Socket;
      if (isSameAt(this.words, socket, from.words, other)) return socket;
    }
    return NO_SOCKET;
  }

  /** What it is known by, as a number that differs from those of other sockets with its ends; 0: nothing, it is the kernel's own and /proc showed it. */
  identity(socket: Socket): number {
    return identityAt(this.words, socket);
  }

  netns(socket: Socket): number {
    return this.words[socket + SOCKET.netns]!;
  }

  protocol(socket: Socket): number {
    return kindProtocol(this.words[socket + SOCKET.kind]!);
  }

  /** One of SOCKET_STATE. */
  state(socket: Socket): number {
    return kindState(this.words[socket + SOCKET.kind]!);
  }

  /** The index of the interface that it is bound to, 0 = none. */
  device(socket: Socket): number {
    return this.words[socket + SOCKET.device]!;
  }

  /** 0: none, the kernel's own. */
  inode(socket: Socket): number {
    return this.words[socket + SOCKET.inode]!;
  }

  /** local << 16 | remote */
  ports(socket: Socket): number {
    return this.words[socket + SOCKET.ports]!;
  }

  localPort(socket: Socket): number {
    return this.ports(socket) >>> 16;
  }

  /** Where its local address lies in `words`. */
  local(socket: Socket): number {
    return socket + SOCKET.local;
  }

  /** Where its remote address lies. */
  remote(socket: Socket): number {
    return socket + SOCKET.remote;
  }

  /** The process that holds it: an id of the owner registry, 0 = none known. */
  owner(socket: Socket): number {
    return this.words[socket + SOCKET.owner]!;
  }

  /** Why none is known, as an index of OWNER_REASON; 0: not said. */
  reason(socket: Socket): number {
    return this.words[socket + SOCKET.reason]!;
  }

  /** What it sent and received by TCP_INFO, -1 = unknown. */
  bytesSent(socket: Socket): number {
    return this.#doubles[(socket + SOCKET.bytesSent) >> 1]!;
  }

  bytesReceived(socket: Socket): number {
    return this.#doubles[(socket + SOCKET.bytesReceived) >> 1]!;
  }

  firstSeenMs(socket: Socket): number {
    return this.#doubles[(socket + OWN.firstSeenMs) >> 1]!;
  }

  lastSeenMs(socket: Socket): number {
    return this.#doubles[(socket + OWN.lastSeenMs) >> 1]!;
  }

  knownMs(socket: Socket): number {
    return this.#doubles[(socket + OWN.knownMs) >> 1]!;
  }

  /** A connection has it already. */
  isTaken(socket: Socket): boolean {
    return (this.#taken[socket >>> SHIFT]! & ~KEPT) !== 0;
  }

  isTakenByFlow(socket: Socket): boolean {
    return (this.#taken[socket >>> SHIFT]! & ~KEPT) === TAKEN_BY.flow;
  }

  /** A flow had it, before the set was let go. */
  wasFlows(socket: Socket): boolean {
    return (this.#taken[socket >>> SHIFT]! & HAD) !== 0;
  }

  /** The connection that it was of was told as over, by its sockets alone. */
  isOver(socket: Socket): boolean {
    return (this.#taken[socket >>> SHIFT]! & OVER) !== 0;
  }

  setOver(socket: Socket): void {
    this.#taken[socket >>> SHIFT]! |= OVER;
  }

  take(socket: Socket, by: number = TAKEN_BY.flow): void {
    this.#taken[socket >>> SHIFT] = (this.#taken[socket >>> SHIFT]! & KEPT) | by;
  }

  /** Lets go of every socket. */
  untakeAll(): void {
    const taken = this.#taken;
    for (let i = 0; i < this.#end >>> SHIFT; i++)
      taken[i] = (taken[i]! & KEPT) | ((taken[i]! & ~KEPT) === TAKEN_BY.flow ? HAD : 0);
  }

  /** It has a remote end. */
  isConnected(socket: Socket): boolean {
    return (this.ports(socket) & 0xffff) !== 0 || !isUnspecified(this.words, this.remote(socket));
  }

  /** It takes what comes to its port: also any unconnected socket of a protocol without handshakes. */
  isListener(socket: Socket): boolean {
    if (this.localPort(socket) === 0) return false;
    return this.state(socket) === SOCKET_STATE.listen || isDatagram(this.protocol(socket));
  }

  /** An IPv6 listener that takes IPv4 too. */
  isDualStack(socket: Socket): boolean {
    return (kindFlags(this.words[socket + SOCKET.kind]!) & SOCKET_FLAG.dualStack) !== 0;
  }

  /** SCTP: another path of an association than its primary one; it is no connection of its own. */
  isOtherPath(socket: Socket): boolean {
    return (kindFlags(this.words[socket + SOCKET.kind]!) & SOCKET_FLAG.otherPath) !== 0;
  }

  /** The hash of its ends: that of a flow with the same tuple. */
  pairHash(socket: Socket): number {
    return tupleHash(this.words, socket + SOCKET.local, this.ports(socket), this.protocol(socket));
  }

  /** True when `a` comes before `b` in an order that does not depend on the table's: by inode. */
  isBefore(a: Socket, b: Socket): boolean {
    return this.inode(a) < this.inode(b);
  }

  #listenerHash(socket: Socket): number {
    return portHash(this.netns(socket), this.protocol(socket), this.localPort(socket));
  }
}
