/**
 * Which flows on one wire are which connection, where its tuple was used more than once. Every namespace tells of its flows in their order, so the oldest that
 * waits in one belongs to the oldest that waits in another, as far as their lives can have overlapped. First come those that can have begun together; what is left over then goes where there is a place for it. The order of rows
 * never matters.
 */
import type { FlowRows } from "../flows/flow-rows.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { beganTogether, hasLostBeginning, overlap } from "./chain-rules.ts";
import { areLinked } from "./ring.ts";

/** Flows that take in the same tuple, and the one that sends it; NO_ROW: none does. */
export interface WireConnection {
  readonly group: Row[];
  sender: Row;
}

/** The connections of a wire with more than one flow, oldest first. Left out are those onto whose wire several namespaces send at once. */
export function connectionsOf(rows: FlowRows, members: readonly Row[], senders: readonly Row[]): WireConnection[] {
  const connections: WireConnection[] = [];
  const sends = new Set(senders);
  const inOrder = [...new Set([...members, ...senders])].sort((a, b) => compareAge(rows, a, b));
  for (const row of inOrder) {
    const isSender = sends.has(row);
    const linked = connections.find((each) => flowsOf(each).some((other) => areLinked(rows, row, other)));
    const found = linked ?? connections.find((each) => isNearest(rows, each, row, isSender));
    if (found === undefined) connections.push({ group: isSender ? [] : [row], sender: isSender ? row : NO_ROW });
    else if (!isSender) found.group.push(row);
    else if (found.sender === NO_ROW) found.sender = row;
  }
  joinLeftOver(rows, connections);
  return connections.filter(
    (each) => flowsOf(each).length > 1 && each.group.length > 0 && !isContested(rows, each, senders),
  );
}

/** True for a connection that a flow can be of, and can have begun with. */
function isNearest(rows: FlowRows, connection: WireConnection, row: Row, isSender: boolean): boolean {
  if (!hasPlaceFor(rows, connection, row, isSender)) return false;
  return flowsOf(connection).every((other) => beganTogether(rows, row, other));
}

/** What began with nothing else is part of the oldest connection that has a place for it: its first packet got no further, and a later one did. */
function joinLeftOver(rows: FlowRows, connections: WireConnection[]): void {
  for (let i = connections.length - 1; i > 0; i--) {
    const left = connections[i]!;
    const [row, more] = flowsOf(left);
    if (row === undefined || more !== undefined) continue;
    const isSender = left.sender !== NO_ROW;
    const found = connections.find((each) => each !== left && hasPlaceFor(rows, each, row, isSender));
    if (found === undefined) continue;
    if (isSender) found.sender = row;
    else found.group.push(row);
    connections.splice(i, 1);
  }
}

/** Those whose beginning was seen come first: of the others nobody knows to which they belong by their place in the order. */
function compareAge(rows: FlowRows, a: Row, b: Row): number {
  return Number(hasLostBeginning(rows, a)) - Number(hasLostBeginning(rows, b)) || rows.born(a) - rows.born(b);
}

function flowsOf({ group, sender }: WireConnection): readonly Row[] {
  return sender === NO_ROW ? group : [...group, sender];
}

function hasPlaceFor(rows: FlowRows, connection: WireConnection, row: Row, isSender: boolean): boolean {
  if (isSender && connection.sender !== NO_ROW) return false;
  if (!isSender && connection.group.some((other) => rows.netns(other) === rows.netns(row))) return false;
  return flowsOf(connection).every((other) => overlap(rows, row, other));
}

/** True when a flow of another namespace sends onto the wire at the same time. */
function isContested(rows: FlowRows, { group, sender }: WireConnection, senders: readonly Row[]): boolean {
  if (sender === NO_ROW) return false;
  return senders.some(
    (other) => rows.netns(other) !== rows.netns(sender) && group.every((row) => overlap(rows, row, other)),
  );
}
