/**
 * Who opened a connection, and how sure that is (S13): conntrack's original tuple; a listener at one end; a port that only a
 * client's kernel hands out; where it is asked for the lower port, as a guess; else nothing, and a stable order. Conntrack's word counts less for flows
 * whose beginning was not seen, and nothing when it picked the stream up in the middle (nf_conntrack_tcp_loose).
 */
import { ADDRESS_WORDS, SOCKET_STATE } from "@conntrail/model";
import { EVIDENCE_CODE as BY, CONFIDENCE_CODE as SURE } from "../codes.ts";
import { isEphemeral, type NamespaceIndex } from "../namespaces/namespace-index.ts";
import type { ConnectionRows } from "../rows/connection-rows.ts";
import type { Row } from "../rows/row.ts";
import { REPLY_END, type RowEnd, SOURCE_END } from "../rows/row-end.ts";
import { isDatagram } from "../sockets/is-datagram.ts";
import type { ListenerSearch } from "../sockets/listener-search.ts";
import { NO_SOCKET } from "../sockets/socket-set.ts";
import { suggestDirection } from "./suggest-direction.ts";

/** What directions are decided from, beside the row. */
export interface DirectionContext {
  readonly listeners: ListenerSearch;
  readonly namespaces: NamespaceIndex;
  /** Guess by the order of ports where nothing else tells. */
  readonly portOrder: boolean;
}

/** Decides for a flow. `endMs`: when it ended, or Infinity. */
export function directFlow(context: DirectionContext, rows: ConnectionRows, row: Row, endMs: number): void {
  if (rows.confidence(row) === SURE.certain) return;
  const pickedUp = rows.isPickedUp(row);
  if (!pickedUp && !rows.beganUnseen(row)) {
    suggestDirection(rows, row, BY.conntrack, SURE.certain, false);
    return;
  }
  if (rows.isAggregated(row)) {
    suggestDirection(rows, row, BY.conntrack, SURE.likely, false);
    return;
  }
  context.listeners.over(rows, row, endMs);
  const source = listensAt(context, rows, row, SOURCE_END);
  const reply = listensAt(context, rows, row, REPLY_END);
  if (source !== reply) {
    suggestDirection(rows, row, source || pickedUp ? BY.listener : BY.conntrack, SURE.certain, source);
  } else if (!pickedUp) suggestDirection(rows, row, BY.conntrack, SURE.likely, false);
  else directByPorts(context, rows, row, rows.netns(row), rows.netns(row));
}

/** What the sockets at a pair of ends say: the state of each (0: not seen), and its namespace (0: not seen). */
export interface PairFacts {
  readonly lowState: number;
  readonly highState: number;
  readonly lowNetns: number;
  readonly highNetns: number;
}

/** Decides for a connection that only sockets showed, anew with each table until it is certain. */
export function directPair(context: DirectionContext, rows: ConnectionRows, row: Row, facts: PairFacts): void {
  if (rows.confidence(row) === SURE.certain) return;
  const { lowNetns, highNetns } = facts;
  context.listeners.over(rows, row, Number.POSITIVE_INFINITY);
  const low = listensAt(context, rows, row, SOURCE_END, lowNetns);
  const high = listensAt(context, rows, row, REPLY_END, highNetns);
  if (low !== high) {
    suggestDirection(rows, row, BY.listener, SURE.certain, low);
    return;
  }
  const lowOpens = facts.lowState === SOCKET_STATE.synSent;
  const highOpens = facts.highState === SOCKET_STATE.synSent;
  if (lowOpens !== highOpens) suggestDirection(rows, row, BY["ephemeral-port"], SURE.likely, highOpens);
  else directByPorts(context, rows, row, lowNetns || highNetns, highNetns || lowNetns);
}

/** By the ports of both real ends; `sourceNetns` and `replyNetns` are the namespaces whose ephemeral ranges count. */
function directByPorts(
  { namespaces, portOrder }: DirectionContext,
  rows: ConnectionRows,
  row: Row,
  sourceNetns: number,
  replyNetns: number,
): void {
  const source = rows.port(row, SOURCE_END);
  const reply = rows.port(row, REPLY_END);
  const sourceEphemeral = isEphemeral(namespaces, sourceNetns, source);
  const replyEphemeral = isEphemeral(namespaces, replyNetns, reply);
  if (sourceEphemeral !== replyEphemeral) {
    suggestDirection(rows, row, BY["ephemeral-port"], SURE.likely, replyEphemeral);
  } else if (portOrder && !sourceEphemeral && source !== reply) {
    suggestDirection(rows, row, BY["port-order"], SURE.guess, source < reply);
  } else suggestDirection(rows, row, BY.none, SURE.none, compareRealEnds(rows, row) > 0);
}

/** The order of `compareEnds` of the model. */
function compareRealEnds(rows: ConnectionRows, row: Row): number {
  const source = rows.address(row, SOURCE_END);
  const reply = rows.address(row, REPLY_END);
  for (let i = 0; i < ADDRESS_WORDS; i++) {
    const difference = rows.words[source + i]! - rows.words[reply + i]!;
    if (difference !== 0) return difference;
  }
  return rows.port(row, SOURCE_END) - rows.port(row, REPLY_END);
}

/** True when something listens at the end. A bound UDP socket is no sign: clients have such sockets too. */
function listensAt(context: DirectionContext, rows: ConnectionRows, row: Row, end: RowEnd, seenIn = 0): boolean {
  return !isDatagram(rows.protocol(row)) && context.listeners.at(end, seenIn) !== NO_SOCKET;
}
