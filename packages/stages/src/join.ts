/**
 * A flow's two real ends to sockets, and so to processes. The opener's socket has the original tuple, the server's the reply
 * tuple: NAT does not come between. Every end gets an owner or a reason (F30); nothing is guessed.
 */
import { FLOW, FLOW_FLAG, kindFlags, kindProtocol, PROTOCOL, SOCKET, SOCKET_WORDS } from "@conntrail/model";
import { REASON } from "./codes.ts";
import { REPLY_END, type RowEnd, SOURCE_END, setEnd } from "./decision.ts";
import { listenerAt, type Surroundings } from "./listener.ts";
import { HOLDER, holderOf, type NamespaceIndex } from "./namespaces.ts";
import { MARK, protocolAt, ROW, replyHash } from "./row.ts";
import { FOUND, findSocket, type SocketHistory, type SocketQuery } from "./socket-history.ts";
import { isDatagram, SOCKET_MATCH, type SocketSet } from "./socket-set.ts";

/** What rows are joined with. `sockets` is the current set of `history`. */
export interface JoinContext extends Surroundings {
  sockets: SocketSet;
  readonly history: SocketHistory;
  /** How long after the fact an event may be read: a flow may have begun this much before it was first seen. */
  readonly eventLagMs: number;
  /** The reason that holds for every end while no sockets can be seen at all, else 0. */
  blind: number;
  /** The last search. */
  readonly query: SocketQuery;
}

/** Marks which ends are on this host by their address, and whether that can be known. */
export function locate(namespaces: NamespaceIndex, page: Uint32Array, base: number): void {
  const netns = page[base + FLOW.netns]!;
  const cleared = page[base + ROW.marks]! & ~LOCATION;
  const mapped = namespaces.facts.has(netns) ? MARK.mapped : 0;
  const source = holderOf(namespaces, netns, page, base + FLOW.originalSource);
  const reply = holderOf(namespaces, netns, page, base + FLOW.replySource);
  page[base + ROW.marks] =
    cleared | mapped | placeMarks(source, netns, SOURCE_END) | placeMarks(reply, netns, REPLY_END);
}

const LOCATION = MARK.sourceLocal | MARK.replyLocal | MARK.sourceOwn | MARK.replyOwn | MARK.mapped;

function placeMarks(holder: number, netns: number, end: RowEnd): number {
  if (holder === HOLDER.none) return 0;
  return holder === netns ? end.localMark | end.ownMark : end.localMark;
}

/** Sets the life of the flow in the context's query: which sockets are old or young enough to be its own. */
export function setLife(context: JoinContext, page: Uint32Array, doubles: Float64Array, base: number): void {
  const { query } = context;
  const half = base >> 1;
  const flags = kindFlags(page[base + FLOW.kind]!);
  const startMs = doubles[half + (FLOW.startMs >> 1)]!;
  const seenMs = doubles[half + (FLOW.firstSeenMs >> 1)]! - context.eventLagMs;
  const beganMs = startMs > 0 ? Math.min(startMs, seenMs) : seenMs;
  const beganUnseen = (flags & (FLOW_FLAG.fromDump | FLOW_FLAG.beganUnseen)) !== 0;
  // Such a flow is older than it looks; so may be the sockets of one that conntrack met in the middle of its life.
  query.pastStartMs = beganUnseen && startMs === 0 ? Number.NEGATIVE_INFINITY : beganMs;
  const older =
    beganUnseen || (flags & FLOW_FLAG.pickedUp) !== 0 || kindProtocol(page[base + FLOW.kind]!) !== PROTOCOL.tcp;
  query.startMs = older ? Number.NEGATIVE_INFINITY : beganMs;
  const closed = (page[base + ROW.marks]! & MARK.closed) !== 0;
  query.endMs = closed ? doubles[half + (ROW.closedMs >> 1)]! : Number.POSITIVE_INFINITY;
}

/** Points the context's query at the socket of an end. */
export function aimAt(context: JoinContext, page: Uint32Array, base: number, end: RowEnd): void {
  const { query } = context;
  const atSource = end === SOURCE_END;
  query.netns = page[base + FLOW.netns]!;
  query.protocol = protocolAt(page, base);
  query.words = page;
  query.local = base + (atSource ? FLOW.originalSource : FLOW.replySource);
  query.remote = base + (atSource ? FLOW.originalDestination : FLOW.replyDestination);
  query.ports = page[base + (atSource ? FLOW.originalPorts : FLOW.replyPorts)]!;
  const translated = (page[base + ROW.marks]! & MARK.nat) !== 0;
  query.hash = atSource || !translated ? page[base + ROW.hash]! : replyHash(page, base);
}

/** Gives an end of a flow its owner or a reason. True when its socket was found: it is at `history.match`. `setLife` comes first. */
export function joinEnd(context: JoinContext, page: Uint32Array, base: number, end: RowEnd): boolean {
  aimAt(context, page, base, end);
  const { history, query } = context;
  const found = findSocket(history, query);
  if (found === FOUND.several) setEnd(page, base, end, 0, REASON.ambiguous);
  else if (found === FOUND.none) joinUnseen(context, page, base, end, query.endMs);
  else {
    const { set, row, currentRow } = history.match;
    if (currentRow >= 0) history.current.taken[currentRow] = 1;
    joinSocket(context, page, base, end, set, row, query.endMs);
    return true;
  }
  return false;
}

/** Gives an end the owner of a socket; of one that no process holds (not accepted yet, or let go already) the owner of the socket that listens there. */
export function joinSocket(
  context: JoinContext,
  page: Uint32Array,
  base: number,
  end: RowEnd,
  set: SocketSet,
  row: number,
  endMs: number,
): void {
  page[base + ROW.marks]! |= end.localMark | MARK.sockets;
  setOwner(page, base, end, set, row, REASON.known);
  if (set.rows[row * SOCKET_WORDS + SOCKET.owner] !== 0 || context.blind !== 0) return;
  const listener = listenerOf(context, page, base, end, endMs);
  if (listener < 0 || context.sockets.rows[listener * SOCKET_WORDS + SOCKET.owner] === 0) return;
  setOwner(page, base, end, context.sockets, listener, REASON.listener);
}

/** Gives an end whose socket nobody saw the owner of the socket that listens there, or a reason. */
export function joinUnseen(context: JoinContext, page: Uint32Array, base: number, end: RowEnd, endMs: number): void {
  if (context.blind !== 0) {
    setEnd(page, base, end, 0, context.blind);
    return;
  }
  const row = listenerOf(context, page, base, end, endMs);
  if (row === SOCKET_MATCH.several) setEnd(page, base, end, 0, REASON.ambiguous);
  else if (row >= 0) {
    page[base + ROW.marks]! |= end.localMark | MARK.sockets;
    setOwner(page, base, end, context.sockets, row, REASON.listener);
  } else {
    const local = (page[base + ROW.marks]! & end.localMark) !== 0 || context.namespaces.facts.size === 0;
    setEnd(page, base, end, 0, local ? REASON["no-socket"] : REASON["not-local"]);
  }
}

/** The socket that listens at an end: at the server's, and at both ends of protocols whose unconnected sockets also ask. */
function listenerOf(context: JoinContext, page: Uint32Array, base: number, end: RowEnd, endMs: number): number {
  const atSource = end === SOURCE_END;
  const serves = atSource === ((page[base + ROW.marks]! & MARK.swapped) !== 0);
  if (!serves && !isDatagram(protocolAt(page, base))) return SOCKET_MATCH.none;
  const address = base + (atSource ? FLOW.originalSource : FLOW.replySource);
  const port = page[base + (atSource ? FLOW.originalPorts : FLOW.replyPorts)]! >>> 16;
  return listenerAt(context, page, base, address, port, 0, endMs);
}

function setOwner(page: Uint32Array, base: number, end: RowEnd, set: SocketSet, row: number, reason: number): void {
  const owner = set.rows[row * SOCKET_WORDS + SOCKET.owner]!;
  const missing = set.rows[row * SOCKET_WORDS + SOCKET.reason]! || REASON["no-process"];
  setEnd(page, base, end, owner, owner === 0 ? missing : reason);
}
