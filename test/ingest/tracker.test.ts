/** What the tracker tells of flows: bytes in, batches out. */
import { FlowTracker, type FlowTrackerOptions } from "@conntrail/ingest";
import {
  CT_SCTP_STATE,
  CT_STATUS,
  CT_TCP_STATE,
  FLOW,
  FLOW_CHANGE,
  FLOW_FLAG,
  FLOW_WORDS,
  type FlowBatch,
} from "@conntrail/model";
import { expect, test } from "vitest";
import { Consumer, readRows } from "./consumer.ts";
import { datagram, type FlowFacts, message } from "./messages.ts";

const NETNS = 4_026_531_840;
const { synSent, synRecv, established, finWait, timeWait } = CT_TCP_STATE;
const REPLIED = CT_STATUS.seenReply | CT_STATUS.confirmed;
const ASSURED = REPLIED | CT_STATUS.assured;
const SCTP = 132;
const UDP = 17;

/** A tracker whose first dump was empty. */
function started(options: FlowTrackerOptions = {}): FlowTracker {
  const tracker = new FlowTracker(options);
  dump(tracker, []);
  tracker.flush(0);
  return tracker;
}

function tell(
  tracker: FlowTracker,
  kind: "new" | "update" | "destroy",
  facts: FlowFacts = {},
  timeMs = 0,
  netns = NETNS,
): void {
  const bytes = message(kind, facts);
  tracker.apply(netns, bytes, 0, bytes.length, timeMs);
}

function dump(tracker: FlowTracker, flows: readonly FlowFacts[], netns = NETNS): void {
  tracker.beginDump(netns, 0);
  const bytes = datagram(...flows.map((facts) => message("row", facts)));
  tracker.applyDump(netns, bytes, 0, bytes.length, 0);
  tracker.endDump(netns);
}

function flush(tracker: FlowTracker): ReturnType<typeof readRows> {
  return readRows(tracker.flush(0));
}

test("S6 S7 the life of a connection: each batch has it once, in its latest state, and its closing is told once", () => {
  const tracker = started();
  tell(tracker, "new", { state: synSent });
  expect(flush(tracker)).toMatchObject([{ change: FLOW_CHANGE.upsert, state: synSent, flags: 0 }]);
  tell(tracker, "update", { state: synRecv, status: REPLIED });
  tell(tracker, "update", { state: established, status: ASSURED });
  const open = FLOW_FLAG.updated | FLOW_FLAG.replied | FLOW_FLAG.established;
  expect(flush(tracker)).toMatchObject([{ change: FLOW_CHANGE.upsert, state: established, flags: open }]);
  tell(tracker, "update", { state: finWait, status: ASSURED });
  tell(tracker, "update", { state: timeWait, status: ASSURED });
  expect(flush(tracker)).toMatchObject([
    { change: FLOW_CHANGE.upsert, state: timeWait, flags: open | FLOW_FLAG.closed },
  ]);
  tell(tracker, "update", { state: timeWait, status: ASSURED, mark: 1 });
  tell(tracker, "destroy", { state: timeWait, status: ASSURED });
  expect(flush(tracker)).toEqual([]);
  expect(tracker.flows).toBe(0);
});

test("F28 a flow without events whose end only a dump shows is told as ended when its tuple is used again within that dump", () => {
  const tracker = new FlowTracker();
  dump(tracker, [{ id: 1, state: established, status: ASSURED }]);
  expect(flush(tracker)).toMatchObject([{ id: 1, change: FLOW_CHANGE.upsert }]);
  tracker.beginDump(NETNS, 5);
  const bytes = message("row", { id: 1, state: timeWait, status: ASSURED });
  tracker.applyDump(NETNS, bytes, 0, bytes.length, 5);
  tell(tracker, "new", { id: 2, state: synSent }, 6);
  tracker.endDump(NETNS);
  expect(flush(tracker)).toMatchObject([
    { id: 1, change: FLOW_CHANGE.upsert, state: timeWait },
    { id: 2, change: FLOW_CHANGE.upsert, state: synSent },
  ]);
});

test("a handshake that a dump has overtaken begins no connection: its entry is not assured", () => {
  const tracker = started();
  tracker.beginDump(NETNS, 0);
  const bytes = message("row", { state: established, status: ASSURED });
  tracker.applyDump(NETNS, bytes, 0, bytes.length, 0);
  tell(tracker, "update", { state: synRecv, status: REPLIED });
  tracker.endDump(NETNS);
  expect(flush(tracker)).toHaveLength(1);
});

test("F3 a flow whose NEW was lost is told as one that began unseen, whichever event comes first", () => {
  const tracker = started();
  tell(tracker, "update", { id: 1, state: established, status: ASSURED });
  const [joined] = flush(tracker);
  expect(joined!.flags & FLOW_FLAG.beganUnseen).not.toBe(0);
  tell(tracker, "destroy", { id: 1, state: timeWait, status: ASSURED });
  tell(tracker, "destroy", { id: 2, state: synSent, status: 8 });
  tell(tracker, "new", { id: 3, state: synSent });
  const seen = flush(tracker).map(({ flags }) => (flags & FLOW_FLAG.beganUnseen) !== 0);
  expect(seen).toEqual([true, true, false]);
});

test("F3 F5 after a loss a consumer keeps what the table keeps, also when a later flow has the id of an earlier one by chance", () => {
  const tracker = started();
  const consumer = new Consumer();
  tell(tracker, "new", { id: 1, state: established, status: ASSURED });
  consumer.take(tracker.flush(0));
  tracker.overrun(NETNS);
  // The end of the first and the beginning of the second were lost, and so was the beginning of a third.
  tell(tracker, "destroy", { id: 2, state: established, status: ASSURED });
  consumer.take(tracker.flush(0));
  expect({ told: consumer.live.size, kept: tracker.flows }).toEqual({ told: 0, kept: 0 });
  dump(tracker, [{ id: 1, state: established, status: ASSURED }]);
  consumer.take(tracker.flush(0));
  expect({ told: consumer.live.size, kept: tracker.flows }).toEqual({ told: 1, kept: 1 });
  expect(consumer.ended.map(({ id }) => id)).toEqual([1, 2]);
});

test("S6 a connection that lives and dies between two batches is one row", () => {
  const tracker = started();
  tell(tracker, "new", { state: synSent });
  tell(tracker, "update", { state: established, status: ASSURED });
  tell(tracker, "destroy", { status: ASSURED });
  expect(flush(tracker)).toMatchObject([{ change: FLOW_CHANGE.destroyed, state: established, count: 1 }]);
});

test("S6 entries that had closed before the start are never told; those found closed after a loss are", () => {
  const tracker = new FlowTracker();
  dump(tracker, [
    { client: 1, state: timeWait },
    { client: 2, state: established },
  ]);
  expect(flush(tracker).map(({ key }) => key)).toEqual([`${NETNS}/0/6 10.0.0.1:2 10.0.0.2:80`]);
  tracker.overrun(NETNS);
  dump(
    tracker,
    [1, 2, 3].map((client) => ({ client, state: timeWait })),
  );
  expect(flush(tracker)).toMatchObject([{ state: timeWait }, { state: timeWait }]);
  for (const client of [1, 2, 3]) tell(tracker, "destroy", { client, state: timeWait });
  expect(flush(tracker)).toEqual([]);
});

test("F4 a loss closes nothing; what the next dump no longer has is told as swept", () => {
  const tracker = started();
  tell(tracker, "new", { client: 1, state: established });
  tell(tracker, "new", { client: 2, state: established });
  tracker.flush(0);
  tracker.overrun(NETNS);
  const lost = tracker.flush(1);
  expect(lost).toMatchObject({ count: 0, health: { overruns: 1, completeSinceMs: null, resyncs: 0 } });
  tracker.beginDump(NETNS, 777);
  const row = message("row", { client: 2, state: established });
  tracker.applyDump(NETNS, row, 0, row.length, 800);
  expect(tracker.endDump(NETNS)).toBe(true);
  const batch = tracker.flush(900);
  expect(readRows(batch)).toMatchObject([
    { key: `${NETNS}/0/6 10.0.0.1:1 10.0.0.2:80`, change: FLOW_CHANGE.swept },
    { key: `${NETNS}/0/6 10.0.0.1:2 10.0.0.2:80`, change: FLOW_CHANGE.upsert },
  ]);
  expect(batch.health).toMatchObject({ completeSinceMs: 777, resyncs: 1, reconciliations: 0 });
});

test("F4 a dump that was interrupted, or disturbed by a loss, sweeps nothing and is not complete", () => {
  const tracker = started();
  tell(tracker, "new", { state: established });
  tracker.flush(0);
  tracker.beginDump(NETNS, 0);
  expect(tracker.endDump(NETNS, { interrupted: true })).toBe(false);
  tracker.beginDump(NETNS, 0);
  tracker.overrun(NETNS);
  expect(tracker.endDump(NETNS)).toBe(false);
  expect(tracker.flush(0)).toMatchObject({ count: 0, health: { flows: 1, completeSinceMs: null } });
});

test("F9 twenty thousand flows that come and go leave nothing behind: the table is what the last dump had", () => {
  const tracker = started({ capacity: 4_096 });
  for (let i = 0; i < 20_000; i++) {
    const facts = { client: 1 + (i % 60_000), id: i };
    tell(tracker, "new", { ...facts, state: synSent });
    if (i % 3 !== 0) tell(tracker, "destroy", facts); // every third end is lost
    if (i % 2_000 === 0) {
      dump(tracker, [{ client: 1 + (i % 60_000), id: i, state: synSent }]);
      while (tracker.hasChanges) tracker.flush(0);
    }
  }
  dump(tracker, [{ client: 70_000 % 65_536, state: established }]);
  expect(tracker.flows).toBe(1);
  while (tracker.hasChanges) tracker.flush(0);
  for (let i = 0; i < 10; i++) tracker.flush(0);
  expect(tracker.bytes).toBeLessThan(1_500_000);
});

test("F8 a million closes between two batches stay within the cap, and their counts are exact", () => {
  const tracker = started({ pendingRows: 1_000, aggregateRows: 100 });
  const bytes = [0, 1].map((kind) => message(kind === 0 ? "new" : "destroy", { state: established, status: ASSURED }));
  const views = bytes.map((message) => new DataView(message.buffer));
  const places = bytes.map((message) => Buffer.from(message).indexOf(Buffer.from([10, 0, 0, 1])));
  for (let i = 0; i < 1_000_000; i++) {
    for (const [k, view] of views.entries()) {
      view.setUint32(places[k]!, 0x0a000000 + (i % 5_000));
      tracker.apply(NETNS, bytes[k]!, 0, bytes[k]!.length, 0);
    }
  }
  const consumer = new Consumer();
  let rows = 0;
  do {
    const batch = tracker.flush(0);
    rows += batch.count;
    consumer.take(batch);
  } while (tracker.hasChanges);
  expect(rows).toBeLessThanOrEqual(1_000 + 2 * 100 + 65);
  expect(consumer.closed).toBe(1_000_000);
  expect(tracker.flush(0).health.aggregated).toBe(999_000);
  const aggregated = consumer.ended.filter(({ flags }) => (flags & FLOW_FLAG.aggregated) !== 0);
  expect(aggregated.every(({ key, flags }) => key.includes(":0 ") && (flags & FLOW_FLAG.established) !== 0)).toBe(true);
}, 60_000);

test("F8 flows that the consumer knows end with rows of their own, however many", () => {
  const tracker = started({ pendingRows: 10, aggregateRows: 10 });
  const consumer = new Consumer();
  for (let client = 1; client <= 500; client++) tell(tracker, "new", { client, state: established });
  consumer.take(tracker.flush(0));
  for (let client = 1; client <= 500; client++) tell(tracker, "destroy", { client });
  consumer.take(tracker.flush(0));
  expect(consumer.live.size).toBe(0);
  expect(consumer.ended).toHaveLength(500);
});

test("F7 a full table gives up what has closed first, then what was never answered, the oldest first; and warns at 80 %", () => {
  const tracker = started({ capacity: 640 });
  const consumer = new Consumer();
  const add = (from: number, to: number, facts: FlowFacts, timeMs: number): void => {
    for (let client = from; client < to; client++) tell(tracker, "new", { client, ...facts }, timeMs);
    consumer.take(tracker.flush(timeMs));
  };
  add(1, 200, { state: established, status: ASSURED }, 1_000);
  add(200, 400, { state: synSent }, 2_000);
  expect(tracker.flush(2_000).health.reason).toBeNull();
  add(400, 510, { state: synSent }, 3_000);
  for (let client = 510; client < 640; client++)
    tell(tracker, "new", { client, state: timeWait, status: ASSURED }, 500);
  consumer.take(tracker.flush(3_000));
  expect(tracker.flush(3_000).health).toMatchObject({ state: "degraded", reason: "near-capacity", evicted: 0 });
  add(1_000, 1_130, { state: established, status: ASSURED }, 4_000);
  expect(consumer.ended.filter(({ change }) => change === FLOW_CHANGE.evicted)).toHaveLength(0);
  add(2_000, 2_150, { state: established, status: ASSURED }, 5_000);
  const evicted = consumer.ended.filter(({ change }) => change === FLOW_CHANGE.evicted);
  expect(evicted.length).toBeGreaterThanOrEqual(149);
  expect(evicted.every(({ state, key }) => state === synSent && Number(/:(\d+) /.exec(key)![1]) < 400)).toBe(true);
  const { health } = tracker.flush(5_000);
  expect(health.flows).toBeLessThanOrEqual(640);
  expect(health.evicted).toBeGreaterThanOrEqual(280);
});

test("F37 the same tuple in two namespaces and two zones is four flows", () => {
  const tracker = started();
  for (const netns of [1, 2]) for (const zone of [0, 7]) tell(tracker, "new", { zone, state: synSent }, 0, netns);
  expect(tracker.flows).toBe(4);
  tell(tracker, "destroy", { zone: 7 }, 0, 2);
  tracker.release(1);
  expect(readRows(tracker.flush(0)).map(({ change, key }) => [change, key.slice(0, 3)])).toEqual([
    [FLOW_CHANGE.destroyed, "2/7"],
    [FLOW_CHANGE.released, "1/0"],
    [FLOW_CHANGE.released, "1/7"],
    [FLOW_CHANGE.upsert, "2/0"],
  ]);
});

test("a tuple that is used again is a new flow with a first moment of its own, with another id or the same", () => {
  const tracker = started();
  tell(tracker, "new", { id: 5, state: established }, 100);
  tell(tracker, "new", { id: 6, state: synSent }, 100);
  tell(tracker, "new", { id: 6, state: synSent }, 100);
  const batch = tracker.flush(100);
  expect(readRows(batch).map(({ change, id }) => [change, id])).toEqual([
    [FLOW_CHANGE.swept, 5],
    [FLOW_CHANGE.swept, 6],
    [FLOW_CHANGE.upsert, 6],
  ]);
  const floats = new Float64Array(batch.rows.buffer);
  const first = [0, 1, 2].map((i) => floats[(i * FLOW_WORDS + FLOW.firstSeenMs) >> 1]!);
  expect(new Set(first).size).toBe(3);
  expect(Math.max(...first) - Math.min(...first)).toBeLessThan(0.01);
});

test("an SCTP association begins in CLOSED and is no closed one until an answer was seen", () => {
  const tracker = started();
  const isClosed = ({ flags }: { flags: number }): boolean => (flags & FLOW_FLAG.closed) !== 0;
  tell(tracker, "new", { protocol: SCTP, state: CT_SCTP_STATE.closed, status: 8 });
  expect(flush(tracker).map(isClosed)).toEqual([false]);
  tell(tracker, "update", { protocol: SCTP, status: CT_STATUS.confirmed | CT_STATUS.seenReply });
  expect(flush(tracker).map(isClosed)).toEqual([true]);
  tell(tracker, "destroy", { protocol: SCTP, state: CT_SCTP_STATE.closed, status: ASSURED });
  expect(flush(tracker)).toEqual([]);
});

test("an SCTP association that is opened again in its closed entry is told again", () => {
  const tracker = started();
  const association = { protocol: SCTP, status: ASSURED };
  tell(tracker, "new", { ...association, state: CT_SCTP_STATE.cookieWait, status: 8 });
  tell(tracker, "update", { ...association, state: CT_SCTP_STATE.established });
  tell(tracker, "update", { ...association, state: CT_SCTP_STATE.closed });
  expect(flush(tracker)).toMatchObject([
    { flags: expect.toSatisfy((flags: number) => (flags & FLOW_FLAG.closed) !== 0) },
  ]);
  tell(tracker, "update", { ...association, state: CT_SCTP_STATE.cookieWait });
  expect(flush(tracker)).toMatchObject([
    {
      change: FLOW_CHANGE.upsert,
      state: CT_SCTP_STATE.cookieWait,
      flags: expect.toSatisfy((flags: number) => (flags & FLOW_FLAG.closed) === 0),
    },
  ]);
});

test("everything that conntrack knows is in the row: mark, zone, helper, counters, timestamps, status and NAT", () => {
  const tracker = started();
  const start = 1_700_000_000_123_456_789n;
  tell(
    tracker,
    "new",
    {
      state: established,
      status: ASSURED | CT_STATUS.offload | CT_STATUS.dstNat,
      mark: 0xcafe,
      zone: 3,
      real: { address: [10, 9, 9, 9], port: 8080 },
    },
    10,
  );
  tell(
    tracker,
    "destroy",
    {
      zone: 3,
      status: ASSURED | CT_STATUS.dying,
      startNs: start,
      originalCounters: { packets: 3n, bytes: 180n },
      replyCounters: { packets: 2n, bytes: 120n },
      real: { address: [10, 9, 9, 9], port: 8080 },
    },
    20,
  );
  const batch = tracker.flush(30);
  const floats = new Float64Array(batch.rows.buffer);
  const number = (field: number) => floats[field >> 1];
  expect(batch.rows[FLOW.mark]).toBe(0xcafe);
  expect(batch.rows[FLOW.zone]).toBe(3);
  expect(batch.rows[FLOW.replyPorts]).toBe(8080 * 65_536 + 1000);
  expect(batch.rows[FLOW.status]! & CT_STATUS.dying).toBe(CT_STATUS.dying);
  expect([number(FLOW.firstSeenMs), number(FLOW.lastSeenMs)]).toEqual([10, 20]);
  expect(number(FLOW.startMs)).toBeCloseTo(1_700_000_000_123.457, 2);
  expect([FLOW.originalPackets, FLOW.originalBytes, FLOW.replyPackets, FLOW.replyBytes].map(number)).toEqual([
    3, 180, 2, 120,
  ]);
});

test("counters that a reconciliation brings are a change; a dump that says nothing new is none", () => {
  const tracker = started();
  const counted = (packets: bigint) => ({ state: established, originalCounters: { packets, bytes: packets * 60n } });
  dump(tracker, [counted(1n)]);
  expect(flush(tracker)).toHaveLength(1);
  dump(tracker, [counted(1n)]);
  expect(flush(tracker)).toHaveLength(0);
  dump(tracker, [counted(2n)]);
  expect(flush(tracker)).toHaveLength(1);
  expect(tracker.flush(0).health).toMatchObject({ resyncs: 0, reconciliations: 3 });
});

test("F7 UDP lookups are counted with the answer, unanswered ones at their end, and services are kept apart", () => {
  const tracker = started();
  for (let client = 1; client <= 30; client++) {
    const lookup = { client, server: 53, protocol: UDP, source: [10, 0, 0, client % 2] };
    tell(tracker, "new", { ...lookup, status: 8 });
    if (client <= 20) tell(tracker, "update", { ...lookup, status: REPLIED });
    if (client <= 5) tell(tracker, "update", { ...lookup, status: ASSURED });
    tell(tracker, "destroy", { ...lookup, status: client <= 20 ? REPLIED : 8 });
  }
  const rows = flush(tracker);
  const replied = rows.filter(({ flags }) => (flags & FLOW_FLAG.replied) !== 0);
  expect(replied.map(({ count }) => count)).toEqual([10, 10]);
  expect(rows.filter((row) => !replied.includes(row)).map(({ count }) => count)).toEqual([5, 5]);
  expect(rows.every(({ key, flags }) => key.endsWith("10.0.0.2:53") && (flags & FLOW_FLAG.aggregated) !== 0)).toBe(
    true,
  );
  expect(tracker.flows).toBe(0);
});

test("F6 a first dump of 70,000 flows comes in batches, and only the last of them says that the picture is complete", () => {
  const tracker = new FlowTracker();
  tracker.beginDump(NETNS, 0);
  for (let i = 0; i < 70_000; i++) {
    const row = message("row", { client: i & 0xffff, source: [10, 1, i >>> 16, 1], state: established });
    tracker.applyDump(NETNS, row, 0, row.length, 0);
  }
  tracker.endDump(NETNS);
  const batches: FlowBatch[] = [];
  do batches.push(tracker.flush(1));
  while (tracker.hasChanges);
  expect(batches.map(({ count }) => count)).toEqual([32_768, 32_768, 4_464]);
  expect(batches.map(({ health }) => health.completeSinceMs)).toEqual([null, null, 0]);
});
