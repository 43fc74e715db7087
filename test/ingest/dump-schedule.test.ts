/** When a table is dumped, in plain numbers. */
import { DumpSchedule } from "@conntrail/ingest";
import { expect, test } from "vitest";

const RECONCILE_MS = 30_000;

/** A schedule whose first dump was complete: begun at 0, ended at `lastedMs`. */
function started(lastedMs = 10, reconcileMs = RECONCILE_MS): DumpSchedule {
  const schedule = new DumpSchedule(0, reconcileMs);
  schedule.begin(0);
  schedule.end(lastedMs, true, false);
  return schedule;
}

test("the first dump is due at once, and none while one is under way", () => {
  const schedule = new DumpSchedule(5, RECONCILE_MS);
  expect(schedule.dueMs).toBe(5);
  schedule.begin(6);
  expect(schedule.dueMs).toBe(Number.POSITIVE_INFINITY);
});

test("F3 the next one comes at the interval, later when a dump takes long, sooner where there are no events", () => {
  expect(started(10).dueMs).toBe(10 + RECONCILE_MS);
  expect(started(2_000).dueMs).toBe(2_000 + 60_000);
  const without = new DumpSchedule(0, RECONCILE_MS);
  without.begin(0);
  without.end(10, true, true);
  expect(without.dueMs).toBe(1_010);
});

test("F4 a loss is followed by a dump once it is quiet, and after a second at the latest", () => {
  const schedule = started();
  schedule.lost(1_000);
  expect(schedule.dueMs).toBe(1_200);
  schedule.lost(1_100);
  expect(schedule.dueMs).toBe(1_300);
  for (let nowMs = 1_200; nowMs < 3_000; nowMs += 100) schedule.lost(nowMs);
  expect(schedule.dueMs).toBe(2_000);
});

test("a dump that proves nothing is repeated, later each time, but never rarer than once a second for that", () => {
  const schedule = started();
  const waits: number[] = [];
  for (let nowMs = 10_000, i = 0; i < 6; i++, nowMs += 10_000) {
    schedule.begin(nowMs);
    schedule.end(nowMs, false, false);
    waits.push(schedule.dueMs - nowMs);
  }
  expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(schedule.failures).toBe(6);
  schedule.lost(60_100);
  expect(schedule.dueMs, "a loss does not hasten it").toBe(61_000);
  schedule.begin(61_000);
  schedule.end(61_001, true, false);
  expect(schedule.failures).toBe(0);
});

test("one that is asked for begins when the last has rested ten times what it took; asked during a dump, after it", () => {
  const schedule = started(50);
  schedule.ask(100);
  expect(schedule.dueMs).toBe(550);
  schedule.begin(550);
  schedule.ask(560);
  expect(schedule.dueMs).toBe(Number.POSITIVE_INFINITY);
  schedule.end(570, true, false);
  expect(schedule.dueMs).toBe(770);
});

test("a table that could not be dumped is tried again soon", () => {
  const schedule = new DumpSchedule(0, RECONCILE_MS);
  schedule.postpone(20);
  expect(schedule.dueMs).toBe(120);
});
