/**
 * Connections that only sockets show: no flow has them. One row per pair of ends; two sockets that mirror each other are one
 * connection. Kept until a table no longer has them.
 */
import { REASON } from "../codes.ts";
import { directPair } from "../direction/direct.ts";
import { startsConnection } from "../flows/connection-state.ts";
import { locate } from "../namespaces/locate.ts";
import { type JoinContext, joinSocket, joinUnseen, noteDevice } from "../owners/join-ends.ts";
import { suggestOwner } from "../owners/suggest-owner.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { REPLY_END, type RowEnd, SOURCE_END } from "../rows/row-end.ts";
import type { RowNews } from "../rows/row-news.ts";
import { PairRows } from "./pair-rows.ts";
import { hasTakenTwin, isLowSide, isSide, mirrorOf } from "./socket-mirror.ts";
import { SocketPair } from "./socket-pair.ts";
import { NO_SOCKET, SEVERAL_SOCKETS, type Socket, TAKEN_BY } from "./socket-set.ts";

/** The connections. A row whose generation is not that of the last table has ended. */
export interface SocketConnections {
  readonly rows: PairRows;
  readonly maxRows: number;
  generation: number;
  /** Connections that were turned away. */
  dropped: number;
}

/** No connections, with room for `maxRows`. */
export function createSocketConnections(maxRows: number, news?: RowNews): SocketConnections {
  return { rows: new PairRows([], maxRows, news), maxRows, generation: 0, dropped: 0 };
}

/** Takes the sockets of the current table in that no flow has taken. */
export function takeSockets(connections: SocketConnections, context: JoinContext): void {
  connections.generation++;
  const set = context.history.current;
  const pair = new SocketPair(set);
  for (let socket = set.first(); socket !== NO_SOCKET; socket = set.after(socket)) {
    if (set.isTaken(socket) || !isSide(set, socket)) continue;
    const twin = hasTakenTwin(set, socket);
    set.take(socket, TAKEN_BY.pair);
    if (twin) continue;
    const mirror = mirrorOf(set, socket);
    const other = mirror < 0 ? NO_SOCKET : mirror;
    // Its other side belongs to a flow: so does this one.
    if (other !== NO_SOCKET && other !== socket && set.isTaken(other)) continue;
    if (other !== NO_SOCKET) set.take(other, TAKEN_BY.pair);
    const isLow = isLowSide(set, socket);
    pair.low = isLow ? socket : other;
    pair.high = isLow ? other : socket;
    pair.ambiguous = mirror === SEVERAL_SOCKETS;
    takePair(connections, context, pair);
  }
  touchEnded(connections);
}

/** That a connection was not met is news as well. */
function touchEnded({ rows, generation }: SocketConnections): void {
  for (let row = rows.first(); row !== NO_ROW; row = rows.after(row)) {
    if (rows.generation(row) !== generation) rows.touch(row);
  }
}

function takePair(connections: SocketConnections, context: JoinContext, pair: SocketPair): void {
  const { rows } = connections;
  const { low, high } = pair;
  const lowNetns = pair.netnsOf(low);
  const highNetns = pair.netnsOf(high);
  pair.write();
  const hash = pair.set.pairHash(pair.seen);
  let row = findPair(rows, hash, pair);
  if (row !== NO_ROW && (rows.isOverTold(row) || isReused(rows, row, pair))) {
    // Told as over, or the same ends and other sockets: the earlier connection is over, and can no longer be found.
    rows.unhook(row);
    row = NO_ROW;
  }
  if (row !== NO_ROW) rows.refresh(row, pair.row);
  else {
    if (!startsConnection(pair.stateOf(low)) && !startsConnection(pair.stateOf(high))) return;
    if (rows.size >= connections.maxRows) {
      connections.dropped++;
      return;
    }
    row = rows.insert(hash, pair.row, 0);
  }
  rows.setGeneration(row, connections.generation);
  rows.noteLow(row, lowNetns, pair.identityOf(low), pair.indexOf(low));
  rows.noteHigh(row, highNetns, pair.identityOf(high), pair.indexOf(high));
  locate(context.namespaces, rows, row);
  const states = { lowState: pair.stateOf(low), highState: pair.stateOf(high) };
  directPair(context, rows, row, { ...states, lowNetns, highNetns });
  joinSide(context, rows, row, SOURCE_END, pair, low);
  joinSide(context, rows, row, REPLY_END, pair, high);
}

function joinSide(context: JoinContext, rows: PairRows, row: Row, end: RowEnd, pair: SocketPair, socket: Socket): void {
  const always = Number.POSITIVE_INFINITY;
  if (socket !== NO_SOCKET) {
    noteDevice(context, rows, row, end, pair.netnsOf(socket), pair.indexOf(socket));
    joinSocket(context, rows, row, end, pair.set, socket, always);
  } else if (pair.ambiguous) suggestOwner(rows, row, end, 0, REASON.ambiguous);
  else joinUnseen(context, rows, row, end, always);
}

function findPair(rows: PairRows, hash: number, pair: SocketPair): Row {
  const lowNetns = pair.netnsOf(pair.low);
  const highNetns = pair.netnsOf(pair.high);
  for (let at = rows.firstAt(hash); at >= 0; at = rows.nextAt(hash, at)) {
    const row = rows.rowAt(at);
    if (!rows.hasEnds(row, pair.row)) continue;
    const sharesLow = lowNetns !== 0 && rows.lowNetns(row) === lowNetns;
    const sharesHigh = highNetns !== 0 && rows.highNetns(row) === highNetns;
    if (!sharesLow && !sharesHigh) continue;
    const otherLow = sharesLow && rows.lowIndex(row) !== pair.indexOf(pair.low);
    const otherHigh = sharesHigh && rows.highIndex(row) !== pair.indexOf(pair.high);
    if (!otherLow && !otherHigh) return row;
  }
  return NO_ROW;
}

function isReused(rows: PairRows, row: Row, pair: SocketPair): boolean {
  return (
    areOthers(rows.lowIdentity(row), pair.identityOf(pair.low)) ||
    areOthers(rows.highIdentity(row), pair.identityOf(pair.high))
  );
}

/** 0 says nothing: the side was not seen, or its process has closed it and /proc has no cookies. */
function areOthers(a: number, b: number): boolean {
  return a !== b && a !== 0 && b !== 0;
}
