/**
 * Entries that outlive their sockets (F50): the goodbye of a connection was lost, or a firewall dropped its RST, and conntrack keeps the entry open for up to five days. Sockets are the
 * better witness of processes. A TCP connection of which tables had sockets, and two in a row have none, though they read the namespaces that have its ends and lie behind their cuts, is stale: it
 * is told as what conntrack says, open, and names nobody until its entry ends. A socket that shows up makes it an ordinary one again.
 */
import { ringMembers } from "../chains/ring.ts";
import type { FlowRows } from "../flows/flow-rows.ts";
import type { MergeState } from "../merge-state.ts";
import { HOLDER, holderOf } from "../namespaces/namespace-index.ts";
import type { JoinContext } from "../owners/join-ends.ts";
import type { Row } from "../rows/row.ts";
import { REPLY_END, type RowEnd, SOURCE_END } from "../rows/row-end.ts";
import { NO_SOCKET } from "../sockets/socket-set.ts";
import { wasOpen } from "./lost-entries.ts";

const ENDS = [SOURCE_END, REPLY_END];

/** What the latest table says of a connection's sockets. `unknown`: it did not read a namespace that has one of them, or not all of it. */
const SOCKETS = { gone: 0, there: 1, unknown: 2 } as const;

/** As a table was joined: looks at the rows without the sockets that they had. */
export function watchStale(state: MergeState): void {
  const { flows, tableCutMs, conntrack } = state;
  const { rows, vanished } = flows;
  // Whether their entries are open must be known up to the table's own moment.
  if (tableCutMs !== null && tableCutMs <= flows.cutMs && conntrack.state !== "off") {
    for (const row of vanished) if (rows.isActive(row) && isOpen(rows, row)) watch(state, row);
  }
  vanished.length = 0;
}

/** True when the search, which stands over a row, has found a socket of the latest table that may be the one at the end. */
export function hasCurrentSocket({ search }: JoinContext): boolean {
  return search.currentSocket !== NO_SOCKET || search.unsureSocket !== NO_SOCKET;
}

function watch({ flows: { rows }, context }: MergeState, row: Row): void {
  const found = socketsOf(rows, context, row);
  if (found === SOCKETS.gone) rows.missSockets(row);
  else if (found === SOCKETS.there) rows.meetSockets(row);
}

/** True for a TCP connection that conntrack has as open in each namespace. */
function isOpen(rows: FlowRows, row: Row): boolean {
  return !rows.isEntryless(row) && ringMembers(rows, row).every((member) => wasOpen(rows, member));
}

/** Of all members: their ends are the same two processes'. */
function socketsOf(rows: FlowRows, context: JoinContext, row: Row): number {
  let found: number = SOCKETS.gone;
  for (const member of ringMembers(rows, row)) {
    context.search.over(rows, member);
    for (const end of ENDS) {
      context.search.at(end);
      if (hasCurrentSocket(context)) return SOCKETS.there;
      if (rows.hadSocket(member, end) && !wasRead(rows, context, member, end)) found = SOCKETS.unknown;
    }
  }
  return found;
}

/** True when the latest table has all sockets of the namespace that has the address of an end. */
function wasRead(rows: FlowRows, { namespaces }: JoinContext, row: Row, end: RowEnd): boolean {
  const holder = holderOf(namespaces, rows.netns(row), rows.words, rows.address(row, end));
  if (holder === HOLDER.none || holder === HOLDER.several) return false;
  const facts = namespaces.facts.get(holder);
  return facts !== undefined && facts.incomplete !== true;
}
