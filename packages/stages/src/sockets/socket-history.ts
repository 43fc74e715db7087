/**
 * The sockets of the latest table, and those that vanished from it not long ago: a flow's events may come after its socket is
 * gone (F29).
 */
import { SOCKET, SOCKET_WORDS, type SocketTable } from "@conntrail/model";
import type { OwnerRegistry } from "../owners/owner-registry.ts";
import { NO_SOCKET, type Socket, SocketSet, type SocketTimes } from "./socket-set.ts";

/** Vanished sockets kept at most; the oldest go first. */
const MAX_PAST = 65_536;

/** The history. */
export class SocketHistory {
  /** The sockets of the latest table. */
  current: SocketSet = new SocketSet();
  /** Those that vanished. */
  past: SocketSet = new SocketSet();
  #spareCurrent = new SocketSet();
  #sparePast = new SocketSet();
  readonly #lateJoinMs: number;

  /** Those that vanished can be joined for `lateJoinMs`. */
  constructor(lateJoinMs: number) {
    this.#lateJoinMs = lateJoinMs;
  }

  /** Makes `table` the current one. Copies its rows; the caller keeps the table. */
  takeTable(table: SocketTable, registry: OwnerRegistry): void {
    const before = this.current;
    const now = this.#spareCurrent;
    const ids = table.owners.map((owner) => registry.register(owner));
    now.reset(table.count);
    before.untakeAll();
    const seen: SocketTimes = { firstSeenMs: 0, lastSeenMs: 0, knownMs: 0 };
    const readings = new Map(table.namespaces.map((facts) => [facts.netns, facts]));
    for (let i = 0; i < table.count; i++) {
      const offset = i * SOCKET_WORDS;
      const owner = table.rows[offset + SOCKET.owner]!;
      const socket = now.add(table.rows, offset, owner === 0 ? 0 : ids[owner - 1]!);
      const same = before.findSame(now, socket);
      // From here on "taken" in the earlier set means: still there.
      if (same !== NO_SOCKET) before.take(same);
      const reading = readings.get(now.netns(socket));
      seen.lastSeenMs = reading?.readByMs ?? table.timeMs;
      seen.firstSeenMs = same === NO_SOCKET ? (reading?.readFromMs ?? table.startedMs) : before.firstSeenMs(same);
      seen.knownMs = same === NO_SOCKET ? seen.lastSeenMs : before.knownMs(same);
      now.noteSeen(socket, seen);
    }
    this.#fillPast(table.timeMs - this.#lateJoinMs);
    this.current = now;
    this.#spareCurrent = before;
  }

  /** Names the owner of every socket. */
  eachOwner(visit: (id: number) => void): void {
    for (const set of [this.current, this.past]) {
      for (let socket = set.first(); socket !== NO_SOCKET; socket = set.after(socket)) visit(set.owner(socket));
    }
  }

  #fillPast(oldestMs: number): void {
    const { current, past } = this;
    const filled = this.#sparePast;
    const isRecent = (socket: Socket): boolean => past.lastSeenMs(socket) >= oldestMs;
    const isGone = (socket: Socket): boolean => hasVanished(current, socket, oldestMs);
    const total = count(past, isRecent) + count(current, isGone);
    let surplus = Math.max(0, total - MAX_PAST);
    filled.reset(total - surplus);
    for (const [set, belongs] of [
      [past, isRecent],
      [current, isGone],
    ] as const) {
      for (let socket = set.first(); socket !== NO_SOCKET; socket = set.after(socket)) {
        if (belongs(socket) && surplus-- <= 0) filled.move(set, socket);
      }
    }
    this.past = filled;
    this.#sparePast = past;
  }
}

function count(set: SocketSet, belongs: (socket: Socket) => boolean): number {
  let found = 0;
  for (let socket = set.first(); socket !== NO_SOCKET; socket = set.after(socket)) if (belongs(socket)) found++;
  return found;
}

/** Sockets that are only the kernel's own (no inode) are not worth keeping: they have no owner. */
function hasVanished(set: SocketSet, socket: Socket, oldestMs: number): boolean {
  if (set.isTaken(socket) || set.lastSeenMs(socket) < oldestMs) return false;
  return set.inode(socket) !== 0 && set.isConnected(socket);
}
