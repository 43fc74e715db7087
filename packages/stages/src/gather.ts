/** A connection's facts from its rows: one, or one in each of several namespaces. */
import { CONNECTION_FLAG, CT_STATUS, FLOW, SOURCE } from "@conntrail/model";
import type { RowFacts } from "./column-writer.ts";
import { confidenceOf } from "./decision.ts";
import { flowState, furthestState } from "./flow-state.ts";
import { nextInRing } from "./ring.ts";
import { MARK, ROW } from "./row.ts";
import { baseOf, doublesOf, pageOf, type RowStore } from "./row-store.ts";

/** What the rows of one connection say together. */
export interface Gathered extends RowFacts {
  /** All of their MARK bits. */
  marks: number;
  closedBatch: number;
  /** None of the ends was seen. */
  allUnseen: boolean;
  /** The row at `counter` counts. */
  counted: boolean;
}

/** The facts about one connection: filled by `gather`, one object for all connections so that none is allocated per row. */
export const facts: Gathered = {
  sources: 0,
  state: 0,
  flags: 0,
  netns: 0,
  status: 0,
  firstSeenMs: 0,
  lastSeenMs: 0,
  marks: 0,
  closedBatch: 0,
  allUnseen: false,
  counted: false,
  decision: 0,
  counter: 0,
};

const TRANSLATED = CT_STATUS.srcNat | CT_STATUS.dstNat;
const OFFLOADED = CT_STATUS.offload | CT_STATUS.hwOffload;

/** Fills `facts` from a connection's rows, `head` first. */
export function gather(store: RowStore, head: number): void {
  facts.marks = 0;
  facts.flags = 0;
  facts.closedBatch = 0;
  facts.allUnseen = true;
  facts.firstSeenMs = Number.POSITIVE_INFINITY;
  facts.lastSeenMs = Number.NEGATIVE_INFINITY;
  let slot = head;
  do {
    const page = pageOf(store, slot);
    const doubles = doublesOf(store, slot);
    const base = baseOf(slot);
    const marks = page[base + ROW.marks]!;
    const status = page[base + FLOW.status]!;
    facts.marks |= marks;
    const decision = page[base + ROW.decision]!;
    if (slot === head || confidenceOf(decision) > confidenceOf(facts.decision)) facts.decision = decision;
    const counted =
      doubles[(base + FLOW.originalPackets) >> 1]! >= 0 || doubles[(base + FLOW.originalBytes) >> 1]! >= 0;
    if (slot === head || (counted && !facts.counted)) facts.counter = slot;
    facts.counted = counted || (slot !== head && facts.counted);
    if (slot === head) facts.status = status;
    else facts.status = (facts.status | (status & TRANSLATED)) >>> 0;
    if ((status & OFFLOADED) !== 0) facts.flags |= CONNECTION_FLAG.offloaded;
    if ((marks & MARK.closed) !== 0) {
      facts.closedBatch = Math.max(facts.closedBatch, page[base + ROW.closedBatch]!);
      if ((marks & MARK.endUnseen) === 0) facts.allUnseen = false;
    }
    const sinceMs = doubles[(base + ROW.sinceMs) >> 1]!;
    const firstMs = doubles[(base + FLOW.firstSeenMs) >> 1]!;
    facts.firstSeenMs = Math.min(facts.firstSeenMs, sinceMs === 0 ? firstMs : Math.min(sinceMs, firstMs));
    facts.lastSeenMs = Math.max(facts.lastSeenMs, doubles[(base + FLOW.lastSeenMs) >> 1]!);
    slot = nextInRing(store, slot);
  } while (slot !== head);
  facts.netns = pageOf(store, head)[baseOf(head) + FLOW.netns]!;
  facts.sources = SOURCE.conntrack | ((facts.marks & MARK.sockets) !== 0 ? SOURCE.sockets : 0);
}

/** The state of a connection: that of the member that has come furthest. */
export function gatheredState(store: RowStore, head: number, ended: boolean): number {
  let furthest = 0;
  let slot = head;
  do {
    const page = pageOf(store, slot);
    const base = baseOf(slot);
    const state = flowState(page[base + FLOW.kind]!, page[base + FLOW.status]!, ended);
    furthest = furthestState(state, furthest);
    slot = nextInRing(store, slot);
  } while (slot !== head);
  return furthest;
}
