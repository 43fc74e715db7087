/**
 * A connection's two real ends to sockets, and so to processes. The opener's socket has the original tuple, the server's the reply
 * tuple: NAT does not come between. Every end gets an owner or a reason (F30); nothing is guessed.
 */
import { REASON } from "../codes.ts";
import type { DirectionContext } from "../direction/direct.ts";
import type { FlowRows } from "../flows/flow-rows.ts";
import type { ConnectionRows } from "../rows/connection-rows.ts";
import type { Row } from "../rows/row.ts";
import type { RowEnd } from "../rows/row-end.ts";
import type { DeviceNames } from "../sockets/device-names.ts";
import { isDatagram } from "../sockets/is-datagram.ts";
import type { SocketHistory } from "../sockets/socket-history.ts";
import { FOUND, type SocketSearch } from "../sockets/socket-search.ts";
import { NO_SOCKET, SEVERAL_SOCKETS, type Socket, type SocketSet } from "../sockets/socket-set.ts";
import { suggestOwner } from "./suggest-owner.ts";

/** What connections are joined with. */
export interface JoinContext extends DirectionContext {
  readonly history: SocketHistory;
  readonly search: SocketSearch;
  readonly devices: DeviceNames;
  /** The reason that holds for every end while no sockets can be seen at all, else 0. */
  blind: number;
}

/** Gives an end of a flow, over which the search stands, its owner or a reason. True when its socket was found: the search has it. */
export function joinEnd(context: JoinContext, rows: FlowRows, row: Row, end: RowEnd): boolean {
  const { search } = context;
  const found = search.at(end);
  if (search.unsureSocket !== NO_SOCKET) context.history.current.take(search.unsureSocket);
  if (found === FOUND.several) suggestOwner(rows, row, end, 0, REASON.ambiguous);
  else if (found === FOUND.none) joinUnseen(context, rows, row, end, search.endMs);
  else {
    if (search.currentSocket !== NO_SOCKET) context.history.current.take(search.currentSocket);
    noteDevice(context, rows, row, end, search.set.netns(search.socket), search.device);
    joinSocket(context, rows, row, end, search.set, search.socket, search.endMs);
    return true;
  }
  return false;
}

/** Notes the interface that the socket at an end is bound to: its index in namespace `netns`, 0 = none. */
export function noteDevice(
  { namespaces, devices }: JoinContext,
  rows: ConnectionRows,
  row: Row,
  end: RowEnd,
  netns: number,
  index: number,
): void {
  if (index === 0 && rows.device(row, end) === 0) return;
  const device = namespaces.facts.get(netns)?.devices?.find((each) => each.index === index);
  rows.setDevice(row, end, device === undefined ? 0 : devices.idOf(device.name));
}

/** Gives an end the owner of a socket; of one that no process holds (not accepted yet, or let go already) the owner of the socket that listens there. */
export function joinSocket(
  context: JoinContext,
  rows: ConnectionRows,
  row: Row,
  end: RowEnd,
  set: SocketSet,
  socket: Socket,
  endMs: number,
): void {
  rows.placeBySocket(row, end);
  takeOwner(rows, row, end, set, socket, REASON.known);
  if (set.owner(socket) !== 0 || context.blind !== 0) return;
  const listener = listenerOf(context, rows, row, end, endMs);
  const { current } = context.history;
  if (listener < 0 || current.owner(listener) === 0) return;
  takeOwner(rows, row, end, current, listener, REASON.listener);
}

/** Gives an end whose socket nobody saw the owner of the socket that listens there, or a reason. */
export function joinUnseen(context: JoinContext, rows: ConnectionRows, row: Row, end: RowEnd, endMs: number): void {
  if (context.blind !== 0) {
    suggestOwner(rows, row, end, 0, context.blind);
    return;
  }
  const listener = listenerOf(context, rows, row, end, endMs);
  if (listener === SEVERAL_SOCKETS) suggestOwner(rows, row, end, 0, REASON.ambiguous);
  else if (listener !== NO_SOCKET) {
    rows.placeBySocket(row, end);
    takeOwner(rows, row, end, context.history.current, listener, REASON.listener);
  } else {
    const local = rows.isLocal(row, end) || rows.isRuled(row, end) || context.namespaces.facts.size === 0;
    suggestOwner(rows, row, end, 0, local ? REASON["no-socket"] : REASON["not-local"]);
  }
}

/** The socket that listens at an end: at the server's, and at both ends of protocols whose unconnected sockets also ask. */
function listenerOf(context: JoinContext, rows: ConnectionRows, row: Row, end: RowEnd, endMs: number): Socket {
  if (end !== rows.server(row) && !isDatagram(rows.protocol(row))) return NO_SOCKET;
  return context.listeners.over(rows, row, endMs).at(end);
}

function takeOwner(rows: ConnectionRows, row: Row, end: RowEnd, set: SocketSet, socket: Socket, reason: number): void {
  const owner = set.owner(socket);
  suggestOwner(rows, row, end, owner, owner === 0 ? set.reason(socket) || REASON["no-process"] : reason);
}
