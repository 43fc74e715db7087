/**
 * The sockets of flows that have ended. A scan may have been quicker than the kernel's goodbye, or older than the end: such sockets are no
 * new connections. A told flow stays silent for as long as that can be.
 */
import { STATE } from "../codes.ts";
import { socketState } from "../flows/connection-state.ts";
import type { FlowBook } from "../flows/flow-book.ts";
import type { JoinContext } from "../owners/join-ends.ts";
import type { Row } from "../rows/row.ts";
import { REPLY_END, type RowEnd, SOURCE_END } from "../rows/row-end.ts";
import { FOUND } from "../sockets/socket-search.ts";
import { NO_SOCKET, type Socket, type SocketSet } from "../sockets/socket-set.ts";
import { releaseFlow } from "./flow-endings.ts";

/** As a new table comes in: lets those told flows go whose sockets it no longer shows. A socket that is still there means what it says. */
export function watchSilent(book: FlowBook, context: JoinContext, tableStartedMs: number): void {
  const { silent } = book;
  let kept = 0;
  for (const row of silent) {
    if (takeSocketsOf(book, context, row, tableStartedMs)) silent[kept++] = row;
    else releaseFlow(book, row);
  }
  silent.length = kept;
}

/** Takes the sockets of a flow that has ended. True while the next table may show them again. */
export function takeSocketsOf({ rows }: FlowBook, context: JoinContext, row: Row, tableStartedMs: number): boolean {
  const { search } = context;
  // The scan may be quicker than the kernel's goodbye.
  const endMs = rows.closedMs(row);
  const young = endMs >= tableStartedMs;
  search.over(rows, row);
  if (young) search.within(search.startMs, endMs);
  else search.within(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  const source = takeSocketAt(context, SOURCE_END, young);
  const reply = takeSocketAt(context, REPLY_END, young);
  return young || source || reply;
}

/** Takes the socket of an end so that nothing else does. `young`: any socket of the flow's life; else only one without a process. */
function takeSocketAt({ search, history }: JoinContext, end: RowEnd, young: boolean): boolean {
  const found = search.at(end);
  if (young && search.unsureSocket !== NO_SOCKET) history.current.take(search.unsureSocket);
  const socket = search.currentSocket;
  if ((found !== FOUND.own && found !== FOUND.elsewhere) || socket === NO_SOCKET) return false;
  if (!young && !isOrphan(history.current, socket)) return false;
  history.current.take(socket);
  return true;
}

/** A socket that its process has closed, while the kernel still says goodbye. */
function isOrphan(set: SocketSet, socket: Socket): boolean {
  return set.inode(socket) === 0 && socketState(set.state(socket)) === STATE.closing;
}
