/** The two real ends of a connection's row: each knows where its address and ports lie, and which bits speak of it. */
import { FLOW } from "@conntrail/model";
import { COMMON } from "./row-layout.ts";

/** An end of a row. What lies there is read through the row's store: `rows.port(row, end)`. */
export interface RowEnd {
  /** Offsets: its own address, the address that it sends to, both ports (own << 16 | the other's), its owner, its device. */
  readonly address: number;
  readonly peer: number;
  readonly ports: number;
  readonly owner: number;
  readonly device: number;
  /** Where its reason begins in the decision, and its bits among the marks. */
  readonly reasonShift: number;
  readonly localMark: number;
  readonly ownMark: number;
  readonly socketMark: number;
}

/** The end at the original source: the opener, unless the row is swapped. */
export const SOURCE_END: RowEnd = {
  address: FLOW.originalSource,
  peer: FLOW.originalDestination,
  ports: FLOW.originalPorts,
  owner: COMMON.sourceOwner,
  device: COMMON.sourceDevice,
  reasonShift: 0,
  localMark: 0x200,
  ownMark: 0x800,
  socketMark: 0x200000,
};

/** The end at the reply source: the server, unless the row is swapped. */
export const REPLY_END: RowEnd = {
  address: FLOW.replySource,
  peer: FLOW.replyDestination,
  ports: FLOW.replyPorts,
  owner: COMMON.replyOwner,
  device: COMMON.replyDevice,
  reasonShift: 8,
  localMark: 0x400,
  ownMark: 0x1000,
  socketMark: 0x400000,
};

/** The marks of an end that is on this host, perhaps in the row's own namespace. */
export function placeMarks(end: RowEnd, own: boolean): number {
  return own ? end.localMark | end.ownMark : end.localMark;
}
