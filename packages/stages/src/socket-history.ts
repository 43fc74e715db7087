/**
 * The sockets of the latest table, and those that vanished from it not long ago: a flow's events may come after its socket is
 * gone (F29). Which socket is whose goes by the ends, by the namespace and by time: a flow and a socket belong together only when
 * the socket was seen within the flow's life, because ports are used again (F27).
 */
import {
  isLoopback,
  kindProtocol,
  kindState,
  SOCKET,
  SOCKET_STATE,
  SOCKET_WORDS,
  type SocketTable,
  sameAddress,
} from "@conntrail/model";
import { entryValue, firstEntry, nextEntry } from "./hash-index.ts";
import { type OwnerRegistry, registerOwner } from "./owner-registry.ts";
import {
  addSocket,
  createSocketSet,
  findSame,
  isBefore,
  isConnected,
  resetSockets,
  type SocketSet,
  type SocketTimes,
} from "./socket-set.ts";

/** The history, and the state of the last search: kept here because a search runs twice per flow and must not allocate. */
export interface SocketHistory {
  current: SocketSet;
  past: SocketSet;
  spareCurrent: SocketSet;
  sparePast: SocketSet;
  readonly lateJoinMs: number;
  readonly own: Match;
  readonly elsewhere: Match;
  several: boolean;
  /** What the last search found: `own` or `elsewhere`. */
  match: Match;
}

/** A socket, and how good a match it is. `row` -1: none. `currentRow`: one of the current set that matches too, though perhaps not as well; -1: none. */
export interface Match {
  set: SocketSet;
  row: number;
  score: number;
  currentRow: number;
}

/** What `findSocket` says. */
export const FOUND = { none: 0, own: 1, elsewhere: 2, several: -1 } as const;

/** Vanished sockets kept at most; the oldest go first. */
const MAX_PAST = 65_536;

/** A history without sockets; those that vanished can be joined for `lateJoinMs`. */
export function createSocketHistory(lateJoinMs: number): SocketHistory {
  const [current, past, spareCurrent, sparePast] = [
    createSocketSet(),
    createSocketSet(),
    createSocketSet(),
    createSocketSet(),
  ];
  const own: Match = { set: current, row: -1, score: 0, currentRow: -1 };
  const elsewhere: Match = { set: current, row: -1, score: 0, currentRow: -1 };
  const sets = { current, past, spareCurrent, sparePast };
  return { ...sets, lateJoinMs, own, elsewhere, several: false, match: own };
}

/** Makes `table` the current one. Copies its rows; the caller keeps the table. */
export function takeTable(history: SocketHistory, table: SocketTable, registry: OwnerRegistry): void {
  const { current: before, spareCurrent: now } = history;
  const ids = table.owners.map((owner) => registerOwner(registry, owner));
  resetSockets(now, table.count);
  before.taken.fill(0);
  const seen: SocketTimes = { firstSeenMs: 0, lastSeenMs: table.timeMs, knownMs: 0 };
  for (let i = 0; i < table.count; i++) {
    const base = i * SOCKET_WORDS;
    const owner = table.rows[base + SOCKET.owner]!;
    const same = findSame(before, table.rows, base);
    // From here on `taken` of the earlier set means: still there.
    if (same >= 0) before.taken[same] = 1;
    seen.firstSeenMs = same >= 0 ? before.firstSeenMs[same]! : table.startedMs;
    seen.knownMs = same >= 0 ? before.knownMs[same]! : table.timeMs;
    addSocket(now, table.rows, base, owner === 0 ? 0 : ids[owner - 1]!, seen);
  }
  fillPast(history, table.timeMs - history.lateJoinMs);
  history.current = now;
  history.spareCurrent = before;
}

function fillPast(history: SocketHistory, oldestMs: number): void {
  const { current, past, sparePast } = history;
  let kept = 0;
  for (let row = 0; row < past.count; row++) if (past.lastSeenMs[row]! >= oldestMs) kept++;
  let vanished = 0;
  for (let row = 0; row < current.count; row++) if (hasVanished(current, row, oldestMs)) vanished++;
  let surplus = Math.max(0, kept + vanished - MAX_PAST);
  resetSockets(sparePast, kept + vanished - surplus);
  for (let row = 0; row < past.count; row++) {
    if (past.lastSeenMs[row]! >= oldestMs && surplus-- <= 0) move(sparePast, past, row);
  }
  for (let row = 0; row < current.count; row++) {
    if (hasVanished(current, row, oldestMs) && surplus-- <= 0) move(sparePast, current, row);
  }
  history.past = sparePast;
  history.sparePast = past;
}

/** Sockets that are only the kernel's own (no inode) are not worth keeping: they have no owner. */
function hasVanished(set: SocketSet, row: number, oldestMs: number): boolean {
  const base = row * SOCKET_WORDS;
  if (set.taken[row] === 1 || set.lastSeenMs[row]! < oldestMs) return false;
  return set.rows[base + SOCKET.inode] !== 0 && isConnected(set.rows, base);
}

function move(to: SocketSet, from: SocketSet, row: number): void {
  const base = row * SOCKET_WORDS;
  addSocket(to, from.rows, base, from.rows[base + SOCKET.owner]!, {
    firstSeenMs: from.firstSeenMs[row]!,
    lastSeenMs: from.lastSeenMs[row]!,
    knownMs: from.knownMs[row]!,
  });
}

/** What is looked for: a socket with these ends. `words` holds both addresses, at `local` and `remote`. */
export interface SocketQuery {
  netns: number;
  protocol: number;
  words: Uint32Array;
  local: number;
  remote: number;
  /** local << 16 | remote */
  ports: number;
  hash: number;
  /** The flow's life. `startMs` holds for sockets of the current table, `pastStartMs` for those that vanished. */
  startMs: number;
  pastStartMs: number;
  endMs: number;
}

/**
 * Finds the socket of a flow's end: in the flow's own namespace, else, unless an address is loopback (F38), the only one in any
 * other. The result is at `history.match`. A socket with a process is preferred over one without (TIME_WAIT).
 */
export function findSocket(history: SocketHistory, query: SocketQuery): number {
  const { own, elsewhere } = history;
  own.row = own.currentRow = -1;
  elsewhere.row = elsewhere.currentRow = -1;
  history.several = false;
  if (history.current.count > 0) search(history, history.current, query, query.startMs, true);
  if (history.past.count > 0) search(history, history.past, query, query.pastStartMs, false);
  history.match = own.row >= 0 ? own : elsewhere;
  if (own.row >= 0) return FOUND.own;
  if (elsewhere.row < 0 || isLoopback(query.words, query.local) || isLoopback(query.words, query.remote)) {
    return FOUND.none;
  }
  return history.several ? FOUND.several : FOUND.elsewhere;
}

function search(history: SocketHistory, set: SocketSet, query: SocketQuery, startMs: number, recent: boolean): void {
  const { words, hash } = query;
  for (let at = firstEntry(set.pairs, hash); at >= 0; at = nextEntry(set.pairs, hash, at)) {
    const row = entryValue(set.pairs, at);
    const base = row * SOCKET_WORDS;
    const { rows } = set;
    if (rows[base + SOCKET.ports] !== query.ports) continue;
    if (kindProtocol(rows[base + SOCKET.kind]!) !== query.protocol) continue;
    if (!sameAddress(rows, base + SOCKET.local, words, query.local)) continue;
    if (!sameAddress(rows, base + SOCKET.remote, words, query.remote)) continue;
    if (set.lastSeenMs[row]! < startMs || set.firstSeenMs[row]! > query.endMs) continue;
    const netns = rows[base + SOCKET.netns]!;
    if (netns === query.netns) improve(history.own, set, row, recent);
    else {
      const { elsewhere } = history;
      if (elsewhere.row >= 0 && netnsOf(elsewhere) !== netns) history.several = true;
      improve(elsewhere, set, row, recent);
    }
  }
}

function improve(best: Match, set: SocketSet, row: number, recent: boolean): void {
  if (recent) best.currentRow = row;
  const base = row * SOCKET_WORDS;
  const waiting = kindState(set.rows[base + SOCKET.kind]!) === SOCKET_STATE.timeWait;
  const score = (set.rows[base + SOCKET.owner] !== 0 ? 4 : 0) + (waiting ? 0 : 2) + (recent ? 1 : 0);
  if (best.row >= 0 && (score < best.score || (score === best.score && !isBefore(set, row, best.row)))) return;
  best.set = set;
  best.row = row;
  best.score = score;
}

/** When the socket of a match was first known. */
export function knownSince(match: Match): number {
  return match.set.knownMs[match.row]!;
}

/** The namespace of a match. */
export function netnsOf(match: Match): number {
  return match.set.rows[match.row * SOCKET_WORDS + SOCKET.netns]!;
}
