/**
 * The search for the socket of a flow's end: `search.over(rows, row)`, then `search.at(end)`. Which socket is whose goes by the ends, by the namespace and
 * by time: a flow and a socket belong together only when the socket was seen within the flow's life, because ports are used again (F27).
 */
import { isLoopback, PROTOCOL, SOCKET_STATE, sameAddress } from "@conntrail/model";
import { REASON } from "../codes.ts";
import type { FlowRows } from "../flows/flow-rows.ts";
import { entryValue, firstEntry, nextEntry } from "../rows/hash-index.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { type RowEnd, SOURCE_END } from "../rows/row-end.ts";
import type { SocketHistory } from "./socket-history.ts";
import { NO_SOCKET, type Socket, SocketSet } from "./socket-set.ts";

/** What a search says. */
export const FOUND = { none: 0, own: 1, elsewhere: 2, several: -1 } as const;

/** A socket, and how good a match it is. */
interface Match {
  set: SocketSet;
  socket: Socket;
  score: number;
  /** One of the latest table that matches too, though perhaps not as well. */
  current: Socket;
  /** Sockets on several devices match. */
  severalDevices: boolean;
}

/** A search, used again and again: it runs twice per flow and must not allocate. */
export class SocketSearch {
  /** The life of the flow that is searched for. `startMs` holds for sockets of the latest table. */
  startMs = 0;
  endMs = 0;
  /** The same for those that vanished. */
  #pastStartMs = 0;
  /** A socket must have been there at this moment or later. */
  #lastSeenMs = 0;
  /** Nobody saw when the flow began: what vanished and was another's may have gone before. */
  #beganUnseen = false;
  /** A socket that was first there after this moment is the next flow's, if there is one. */
  #aliveMs = 0;
  #rows: FlowRows | undefined;
  #row = NO_ROW;
  #end: RowEnd = SOURCE_END;
  readonly #history: SocketHistory;
  readonly #own: Match = noMatch();
  readonly #elsewhere: Match = noMatch();
  #several = false;
  #unsure: Socket = NO_SOCKET;
  #match: Match = this.#own;

  constructor(history: SocketHistory) {
    this.#history = history;
  }

  /** Searches for the sockets of a flow from now on: those that were seen within its life. */
  over(rows: FlowRows, row: Row): this {
    this.#rows = rows;
    this.#row = row;
    const continued = rows.isContinued(row);
    // The kernel's word is of the entry, and that is younger than a connection that goes on in it.
    const startMs = continued ? 0 : rows.startMs(row);
    const afterMs = continued ? rows.sinceMs(row) : rows.beganAfterMs(row);
    const beganMs = startMs > 0 ? Math.min(startMs, afterMs) : afterMs;
    const beganUnseen = !continued && rows.beganUnseen(row);
    this.#beganUnseen = beganUnseen;
    // Such a flow is older than it looks; so may be the sockets of one that conntrack met in the middle of its life.
    this.#pastStartMs = beganUnseen && startMs === 0 ? Number.NEGATIVE_INFINITY : beganMs;
    // A datagram may be sent from a socket that has long been there, and still is.
    const mayBeOlder = rows.protocol(row) !== PROTOCOL.tcp;
    this.startMs =
      beganUnseen || (rows.isPickedUp(row) && !continued) || mayBeOlder ? Number.NEGATIVE_INFINITY : beganMs;
    if (mayBeOlder) this.#pastStartMs = Number.NEGATIVE_INFINITY;
    this.#lastSeenMs = mayBeOlder && !beganUnseen ? beganMs : Number.NEGATIVE_INFINITY;
    this.endMs = rows.endMs(row);
    this.#aliveMs = mayBeOlder ? lastAliveMs(rows, row) : Number.POSITIVE_INFINITY;
    return this;
  }

  /** Takes another life for the flow's, in the latest table. */
  within(startMs: number, endMs: number): this {
    this.startMs = startMs;
    this.endMs = endMs;
    return this;
  }

  /**
   * Finds the socket of an end: in the flow's own namespace, else, unless an address is loopback (F38), the only one in any other.
   * A socket with a process is preferred over one without (TIME_WAIT). One of FOUND.
   */
  at(end: RowEnd): number {
    const own = this.#own;
    const elsewhere = this.#elsewhere;
    const { current, past } = this.#history;
    own.socket = own.current = elsewhere.socket = elsewhere.current = NO_SOCKET;
    own.severalDevices = elsewhere.severalDevices = false;
    this.#several = false;
    this.#unsure = NO_SOCKET;
    this.#end = end;
    const hash = this.#rows!.hashAt(this.#row, end);
    if (!current.isEmpty) this.#searchIn(current, hash, this.startMs, true);
    if (!past.isEmpty && !this.#hasOwner(end)) this.#searchIn(past, hash, this.#pastStartMs, false);
    this.#match = own.socket >= 0 ? own : elsewhere;
    if (own.socket >= 0) return FOUND.own;
    if (elsewhere.socket < 0 || this.#staysInside()) return FOUND.none;
    return this.#several ? FOUND.several : FOUND.elsewhere;
  }

  /** The set that has what was found. */
  get set(): SocketSet {
    return this.#match.set;
  }

  /** What was found, in `set`. */
  get socket(): Socket {
    return this.#match.socket;
  }

  /** A socket of the latest table that matches too, or NO_SOCKET. */
  get currentSocket(): Socket {
    return this.#match.current;
  }

  /** The index of the interface that it is bound to; 0: none, or sockets on several devices match. */
  get device(): number {
    return this.#match.severalDevices ? 0 : this.#match.set.device(this.#match.socket);
  }

  /** Sockets of the flow's own namespace match, on several devices. */
  get isOnSeveralDevices(): boolean {
    return this.#match === this.#own && this.#own.severalDevices;
  }

  /** A socket of the latest table that may be this flow's, and may be that of another with its tuple, or NO_SOCKET: no evidence of a process, and no other connection either. */
  get unsureSocket(): Socket {
    return this.#unsure;
  }

  /** Its own socket was met, and so was its process: what vanished can only be another's, or that one again. */
  #hasOwner(end: RowEnd): boolean {
    const rows = this.#rows!;
    return rows.hadSocket(this.#row, end) && rows.reason(this.#row, end) === REASON.known;
  }

  #searchIn(set: SocketSet, hash: number, startMs: number, recent: boolean): void {
    const rows = this.#rows!;
    const row = this.#row;
    const end = this.#end;
    const { words } = rows;
    const address = rows.address(row, end);
    const peer = rows.peer(row, end);
    const ports = rows.ports(row, end);
    const protocol = rows.protocol(row);
    for (let at = firstEntry(set.pairs, hash); at >= 0; at = nextEntry(set.pairs, hash, at)) {
      const socket = entryValue(set.pairs, at) as Socket;
      if (set.ports(socket) !== ports || set.protocol(socket) !== protocol) continue;
      if (!sameAddress(set.words, set.local(socket), words, address)) continue;
      if (!sameAddress(set.words, set.remote(socket), words, peer)) continue;
      if (!recent && (set.isOver(socket) || (this.#beganUnseen && set.wasFlows(socket)))) continue;
      // A socket that was known before the flow began is that of an earlier one.
      if (set.knownMs(socket) < startMs || set.firstSeenMs(socket) > this.endMs) continue;
      const isEarlier = set.lastSeenMs(socket) < this.#lastSeenMs;
      if (
        isEarlier ||
        this.#isNextOnes(set, socket) ||
        this.#isEarlierOnes(set, socket) ||
        this.#isDoubtful(set, socket)
      ) {
        if (recent) this.#unsure = socket;
        continue;
      }
      const netns = set.netns(socket);
      if (netns === rows.netns(row)) improve(this.#own, set, socket, recent);
      else {
        const elsewhere = this.#elsewhere;
        if (elsewhere.socket >= 0 && elsewhere.set.netns(elsewhere.socket) !== netns) this.#several = true;
        improve(elsewhere, set, socket, recent);
      }
    }
  }

  /** True when the socket of a flow without handshakes is that of the next one with its tuple. */
  #isNextOnes(set: SocketSet, socket: Socket): boolean {
    if (set.firstSeenMs(socket) <= this.#aliveMs) return false;
    const rows = this.#rows!;
    const row = this.#row;
    const hash = rows.hash(row);
    for (let at = rows.firstAt(hash); at >= 0; at = rows.nextAt(hash, at)) {
      const other = rows.rowAt(at);
      if (rows.born(other) <= rows.born(row) || rows.netns(other) !== rows.netns(row)) continue;
      if (rows.isSameAt(row, other, this.#end)) return true;
    }
    return false;
  }

  /** True when the socket of a flow without handshakes was not seen after its beginning, and may be that of an earlier one with its tuple, whose end was read together with it. */
  #isEarlierOnes(set: SocketSet, socket: Socket): boolean {
    const rows = this.#rows!;
    const row = this.#row;
    const lastSeenMs = set.lastSeenMs(socket);
    if (rows.protocol(row) === PROTOCOL.tcp || lastSeenMs >= rows.firstSeenMs(row)) return false;
    if (lastSeenMs <= rows.doubtfulUntilMs(row)) return true;
    const hash = rows.hash(row);
    for (let at = rows.firstAt(hash); at >= 0; at = rows.nextAt(hash, at)) {
      const other = rows.rowAt(at);
      if (rows.born(other) >= rows.born(row) || rows.netns(other) !== rows.netns(row)) continue;
      if (rows.endMs(other) < lastSeenMs || !rows.isSameAt(row, other, this.#end)) continue;
      // It had one already, and this one came when it was silent.
      if (rows.hadSocket(other, this.#end) && set.firstSeenMs(socket) > lastAliveMs(rows, other)) continue;
      return true;
    }
    return false;
  }

  /** True when the socket may as well be that of another flow with the tuple: the one before or after, where this one's end or beginning was read together with its. */
  #isDoubtful(set: SocketSet, socket: Socket): boolean {
    const rows = this.#rows!;
    const row = this.#row;
    if (rows.protocol(row) !== PROTOCOL.tcp) return false;
    if (set.lastSeenMs(socket) <= rows.doubtfulUntilMs(row)) return true;
    const hash = rows.hash(row);
    for (let at = rows.firstAt(hash); at >= 0; at = rows.nextAt(hash, at)) {
      const other = rows.rowAt(at);
      if (other === row || rows.netns(other) !== rows.netns(row)) continue;
      // An entry that a packet of the server made has the tuples the other way round.
      if (!rows.isSameAt(row, other, this.#end) && !rows.isReverseOf(row, other)) continue;
      // A socket that is still there when a flow is over belongs to a later one.
      const isLater = rows.born(other) > rows.born(row);
      if (!isLater && set.lastSeenMs(socket) > this.#overMs(other)) continue;
      if (set.knownMs(socket) >= rows.beganAfterMs(other) && set.firstSeenMs(socket) <= rows.endMs(other)) return true;
    }
    return false;
  }

  /** When an earlier flow was over: the kernel's table has a tuple once, so it was when this one began, also where nobody heard of its end. */
  #overMs(earlier: Row): number {
    const rows = this.#rows!;
    const row = this.#row;
    return rows.hasKnownBeginning(row) ? Math.min(rows.endMs(earlier), rows.firstSeenMs(row)) : rows.endMs(earlier);
  }

  #staysInside(): boolean {
    const rows = this.#rows!;
    const { words } = rows;
    const row = this.#row;
    return isLoopback(words, rows.address(row, this.#end)) || isLoopback(words, rows.peer(row, this.#end));
  }
}

/** The last moment at which a flow without handshakes was certainly there; Infinity: it is. It ends long after its last datagram: what shows up between that moment and the reading of its end sent none of them. Of one that only dumps told of it is the first of these. */
function lastAliveMs(rows: FlowRows, row: Row): number {
  if (!rows.isClosed(row)) return Number.POSITIVE_INFINITY;
  const lastAfterMs = rows.lastAfterMs(row);
  return lastAfterMs > Number.NEGATIVE_INFINITY ? lastAfterMs : rows.firstSeenMs(row);
}

function noMatch(): Match {
  return { set: new SocketSet(), socket: NO_SOCKET, score: 0, current: NO_SOCKET, severalDevices: false };
}

function improve(best: Match, set: SocketSet, socket: Socket, recent: boolean): void {
  if (recent) best.current = socket;
  if (best.socket >= 0 && best.set.device(best.socket) !== set.device(socket)) best.severalDevices = true;
  const waiting = set.state(socket) === SOCKET_STATE.timeWait;
  const score = (set.owner(socket) !== 0 ? 4 : 0) + (waiting ? 0 : 2) + (recent ? 1 : 0);
  // Of equals, the one that was seen later, then the one with the lower inode: what is the flow's own is there when it ends.
  if (best.socket >= 0) {
    if (score < best.score) return;
    if (score === best.score && !isLater(set, socket, best)) return;
  }
  best.set = set;
  best.socket = socket;
  best.score = score;
}

function isLater(set: SocketSet, socket: Socket, best: Match): boolean {
  const difference = set.lastSeenMs(socket) - best.set.lastSeenMs(best.socket);
  return difference > 0 || (difference === 0 && set.inode(socket) < best.set.inode(best.socket));
}
