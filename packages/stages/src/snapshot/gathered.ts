/** A connection's facts from its rows: one, or one in each of several namespaces. */
import { CONNECTION_FLAG, CT_STATUS, SOURCE } from "@conntrail/model";
import { nextInRing } from "../chains/ring.ts";
import { STATE } from "../codes.ts";
import { flowState, furthestState } from "../flows/connection-state.ts";
import type { FlowRows } from "../flows/flow-rows.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { REPLY_END, SOURCE_END } from "../rows/row-end.ts";
import type { PairRows } from "../sockets/pair-rows.ts";
import type { RowFacts } from "./column-writer.ts";

const TRANSLATED = CT_STATUS.srcNat | CT_STATUS.dstNat;
const OFFLOADED = CT_STATUS.offload | CT_STATUS.hwOffload;

/**
 * What the rows of one connection say together; `state` is for whoever gathers to set. One object serves all connections of a snapshot: none is
 * allocated per row.
 */
export class Gathered implements RowFacts {
  state = 0;
  sources = 0;
  flags = 0;
  id = 0;
  netns = 0;
  status = 0;
  evidence = 0;
  confidence = 0;
  firstSeenMs = 0;
  lastSeenMs = 0;
  beganAfterMs = 0;
  toNetns = 0;
  counter: Row = NO_ROW;
  /** One of them has ended. */
  ended = false;
  /** None of their ends was seen. */
  allUnseen = false;
  /** When the last of them was first seen: before every namespace was read after that, more may belong to it. */
  lastJoinedMs = 0;
  /** It was in an earlier report. */
  shown = false;
  /** Those who listen to changes know that it is over. */
  overTold = false;
  /** It has ended, but others may have more to say about that: for whoever writes it to set. */
  waits = false;
  /** It may be seen in namespaces other than those that spoke of it: it is not known to begin and end in them. */
  openEnded = false;

  /** Takes the facts of a connection; `head` is the first of its rows. */
  gather(rows: FlowRows, head: Row): void {
    this.#begin(rows, head);
    let loopback = false;
    let sourceOwn = false;
    let replyOwn = false;
    let counted = false;
    let row = head;
    do {
      const confidence = rows.confidence(row);
      if (row === head || confidence > this.confidence) {
        this.confidence = confidence;
        this.evidence = rows.evidence(row);
      }
      if (!counted && isCounted(rows, row)) {
        counted = true;
        this.counter = row;
      }
      const status = rows.status(row);
      this.status = row === head ? status : (this.status | (status & TRANSLATED)) >>> 0;
      if ((status & OFFLOADED) !== 0) this.flags |= CONNECTION_FLAG.offloaded;
      if ((status & CT_STATUS.expected) !== 0) this.flags |= CONNECTION_FLAG.expected;
      if (rows.isStale(row)) this.flags |= CONNECTION_FLAG.stale;
      if (rows.isClosed(row)) {
        this.ended = true;
        if (!rows.isEndUnseen(row)) this.allUnseen = false;
      }
      this.id = Math.min(this.id, rows.identity(row));
      this.shown ||= rows.isShown(row);
      this.overTold ||= rows.isOverTold(row);
      if (rows.isKnownBySockets(row)) this.sources |= SOURCE.sockets;
      loopback ||= rows.isLoopback(row);
      sourceOwn ||= rows.isOwn(row, SOURCE_END);
      replyOwn ||= rows.isOwn(row, REPLY_END);
      const sinceMs = rows.sinceMs(row);
      const firstMs = beganMs(rows, row);
      this.lastJoinedMs = Math.max(this.lastJoinedMs, rows.firstSeenMs(row));
      this.firstSeenMs = Math.min(this.firstSeenMs, sinceMs === 0 ? firstMs : Math.min(sinceMs, firstMs));
      this.lastSeenMs = Math.max(this.lastSeenMs, rows.lastSeenMs(row));
      // It began before each of its namespaces knew, and after none of them did.
      if (!rows.beganUnseen(row) && !rows.isPickedUp(row)) {
        this.beganAfterMs = Math.max(this.beganAfterMs, rows.beganAfterMs(row));
      }
      row = nextInRing(rows, row);
    } while (row !== head);
    // A socket was there before conntrack began to look.
    if (this.firstSeenMs < this.beganAfterMs) this.beganAfterMs = Number.NEGATIVE_INFINITY;
    this.openEnded = !loopback && !(sourceOwn && replyOwn);
  }

  /** The same for a connection that only sockets show. */
  gatherPair(rows: PairRows, row: Row): void {
    this.flags = 0;
    this.id = rows.identity(row);
    this.sources = SOURCE.sockets;
    const [own, other] = rows.isSwapped(row)
      ? [rows.highNetns(row), rows.lowNetns(row)]
      : [rows.lowNetns(row), rows.highNetns(row)];
    this.netns = own || other;
    this.toNetns = other || own;
    // It may have been there long before it was seen.
    this.beganAfterMs = Number.NEGATIVE_INFINITY;
    this.counter = row;
    this.status = rows.status(row);
    this.evidence = rows.evidence(row);
    this.confidence = rows.confidence(row);
    this.firstSeenMs = rows.firstSeenMs(row);
    this.lastSeenMs = rows.lastSeenMs(row);
    this.shown = rows.isShown(row);
  }

  #begin(rows: FlowRows, head: Row): void {
    this.flags = 0;
    this.sources = SOURCE.conntrack;
    this.id = Number.POSITIVE_INFINITY;
    this.netns = rows.netns(head);
    const tail = rows.ringTail(head);
    this.toNetns = rows.netns(tail === NO_ROW ? head : tail);
    this.beganAfterMs = Number.NEGATIVE_INFINITY;
    this.counter = head;
    this.ended = false;
    this.allUnseen = true;
    this.lastJoinedMs = Number.NEGATIVE_INFINITY;
    this.shown = false;
    this.overTold = false;
    this.firstSeenMs = Number.POSITIVE_INFINITY;
    this.lastSeenMs = Number.NEGATIVE_INFINITY;
  }
}

/**
 * When a flow began: what was seen of it, or of one that is older than it looks the kernel's own word (nf_conntrack_timestamp). That is of the wall clock, which may
 * have been set since: a beginning after the flow was seen is none.
 */
function beganMs(rows: FlowRows, row: Row): number {
  const seenMs = rows.firstSeenMs(row);
  const startMs = rows.startMs(row);
  return startMs > 0 && startMs < seenMs && rows.beganUnseen(row) ? startMs : seenMs;
}

function isCounted(rows: FlowRows, row: Row): boolean {
  return rows.packets(row, SOURCE_END) >= 0 || rows.bytes(row, SOURCE_END) >= 0;
}

/** The CONNECTION_STATE of a connection, as its index: that of the member that has come furthest. */
export function gatheredState(rows: FlowRows, head: Row, ended: boolean): number {
  let furthest = 0;
  let row = head;
  do {
    const state = flowState(rows.kind(row), rows.status(row), ended);
    // Conntrack cannot tell the directions of a connection with itself apart and stays in the handshake, which is over with its first packet (F58).
    furthest = furthestState(state === STATE.opening && rows.isToItself(row) ? STATE.established : state, furthest);
    row = nextInRing(rows, row);
  } while (row !== head);
  return furthest;
}
