/** Between which moments a flow began and ended: what the tracker makes of when its messages were read, and when there were none. */
import { FlowTracker } from "@conntrail/ingest";
import {
  CT_STATUS,
  CT_TCP_STATE,
  FLOW,
  FLOW_CHANGE,
  FLOW_FLAG,
  FLOW_WORDS,
  type FlowBatch,
  kindFlags,
} from "@conntrail/model";
import { expect, test } from "vitest";
import { type FlowFacts, message } from "./messages.ts";

const NETNS = 4_026_531_840;
const OTHER = NETNS + 1;
const { synSent, synRecv, established, timeWait } = CT_TCP_STATE;
const ASSURED = CT_STATUS.seenReply | CT_STATUS.confirmed | CT_STATUS.assured;
const NEVER = Number.NEGATIVE_INFINITY;

/** A tracker whose first dumps were empty. */
function started(): FlowTracker {
  const tracker = new FlowTracker();
  for (const netns of [NETNS, OTHER]) {
    tracker.beginDump(netns, 0);
    tracker.endDump(netns);
  }
  return tracker;
}

function tell(tracker: FlowTracker, kind: "new" | "update" | "destroy", facts: FlowFacts, timeMs: number): void {
  const bytes = message(kind, facts);
  tracker.apply(NETNS, bytes, 0, bytes.length, timeMs);
}

function show(tracker: FlowTracker, facts: FlowFacts, timeMs: number): void {
  const bytes = message("row", facts);
  tracker.applyDump(NETNS, bytes, 0, bytes.length, timeMs);
}

/** `[beganAfter, beganBy, lastAfter, lastBy]` of each row. */
function lives(batch: FlowBatch): number[][] {
  const doubles = new Float64Array(batch.rows.buffer);
  return Array.from({ length: batch.count }, (_, i) =>
    [FLOW.beganAfterMs, FLOW.firstSeenMs, FLOW.lastAfterMs, FLOW.lastSeenMs].map(
      (field) => doubles[(i * FLOW_WORDS + field) >> 1]!,
    ),
  );
}

test("what a reading found happened after the one before had found the socket empty, and by its own time", () => {
  const tracker = started();
  tracker.emptied(NETNS, 100);
  tell(tracker, "new", { state: synSent }, 140);
  tracker.emptied(NETNS, 139);
  expect(lives(tracker.flush(141))).toEqual([[100, 140, 100, 140]]);
  tell(tracker, "update", { state: timeWait, status: ASSURED }, 180);
  expect(lives(tracker.flush(181))).toEqual([[100, 140, 139, 180]]);
});

test("each namespace has readings of its own", () => {
  const tracker = started();
  tracker.emptied(NETNS, 100);
  tracker.emptied(OTHER, 120);
  tell(tracker, "new", { state: synSent }, 140);
  expect(lives(tracker.flush(141))).toEqual([[100, 140, 100, 140]]);
});

test("an end is not moved by what comes after it", () => {
  const tracker = started();
  tracker.emptied(NETNS, 100);
  tell(tracker, "new", { state: synSent }, 110);
  tracker.emptied(NETNS, 150);
  tell(tracker, "update", { state: timeWait, status: ASSURED }, 160);
  tracker.emptied(NETNS, 200);
  tell(tracker, "destroy", { state: timeWait, status: ASSURED }, 210);
  expect(lives(tracker.flush(211))).toEqual([[100, 110, 150, 160]]);
});

test("a flow whose beginning was not seen may have begun at any time before", () => {
  const tracker = started();
  tracker.emptied(NETNS, 100);
  tell(tracker, "update", { state: established, status: ASSURED }, 110);
  expect(lives(tracker.flush(111))).toEqual([[NEVER, 110, 100, 110]]);
  tracker.emptied(NETNS, 120);
  tell(tracker, "destroy", { client: 2000, status: ASSURED }, 130);
  expect(lives(tracker.flush(131))).toEqual([[NEVER, 130, 120, 130]]);
});

test("a dump tells by when, not since when", () => {
  const tracker = started();
  tracker.emptied(NETNS, 100);
  tracker.beginDump(NETNS, 105);
  show(tracker, { state: established, status: ASSURED }, 110);
  tracker.endDump(NETNS);
  expect(lives(tracker.flush(111))).toEqual([[NEVER, 110, NEVER, 110]]);
  tracker.emptied(NETNS, 200);
  tell(tracker, "update", { state: established, status: ASSURED, mark: 7 }, 210);
  tracker.emptied(NETNS, 250);
  tracker.beginDump(NETNS, 300);
  show(tracker, { state: timeWait, status: ASSURED, mark: 7 }, 310);
  tracker.endDump(NETNS);
  // What the dump shows is later than the event, whose reading it keeps as the lower bound.
  expect(lives(tracker.flush(311))).toEqual([[NEVER, 110, 200, 310]]);
});

test("the cut is told by the last of several batches, and never goes back", () => {
  const tracker = started();
  for (let client = 1; client <= 40_000; client++) tell(tracker, "new", { state: synSent, client }, 10);
  expect(tracker.flush(20, undefined, 15).cutMs).toBeNull();
  expect(tracker.hasChanges).toBe(true);
  expect(tracker.flush(20, undefined, 15).cutMs).toBe(15);
  expect(tracker.flush(30, undefined, 12).cutMs).toBe(15);
  expect(tracker.flush(40).cutMs).toBe(15);
});

test("F50 a handshake in the entry of an established connection is another one's beginning: the kernel says no NEW", () => {
  const tracker = started();
  tracker.emptied(NETNS, 100);
  tell(tracker, "new", { state: synSent }, 110);
  tell(tracker, "update", { state: established, status: ASSURED }, 111);
  expect(lives(tracker.flush(112))).toEqual([[100, 110, 100, 111]]);
  tracker.emptied(NETNS, 900);
  tell(tracker, "update", { state: synRecv, status: ASSURED }, 910);
  tell(tracker, "update", { state: established, status: ASSURED }, 911);
  const batch = tracker.flush(912);
  expect(lives(batch)).toEqual([
    [100, 110, 100, 111],
    [900, 910, 900, 911],
  ]);
  expect([...batch.changes.subarray(0, 2)]).toEqual([FLOW_CHANGE.swept, FLOW_CHANGE.upsert]);
  const flags = kindFlags(batch.rows[FLOW_WORDS + FLOW.kind]!);
  expect(flags & (FLOW_FLAG.beganUnseen | FLOW_FLAG.pickedUp | FLOW_FLAG.fromDump)).toBe(0);
});
