/** Counters go on over a source that is started anew; what tells how something stands does not. */
import { expect, test } from "vitest";

const { RunningCounters } = (await import(
  new URL("../../packages/reporter/dist/running-counters.js", import.meta.url).href
)) as typeof import("../../packages/reporter/src/running-counters.ts");

test("what was counted before a restart is counted on, by kind too, and a count that cannot be had stays so", () => {
  const counters = new RunningCounters(["events", "lost", "overruns"]);
  const account = (events: number, lost: number | null) => ({
    events: { new: events },
    lost,
    overruns: events,
    flows: 7,
  });
  expect(counters.take(account(5, 1))).toEqual({ events: { new: 5 }, lost: 1, overruns: 5, flows: 7 });
  counters.restarted();
  expect(counters.take(account(2, 0))).toEqual({ events: { new: 7 }, lost: 1, overruns: 7, flows: 7 });
  expect(counters.take(account(3, null))).toEqual({ events: { new: 8 }, lost: null, overruns: 8, flows: 7 });
  counters.restarted();
  expect(counters.take(account(0, 0))).toMatchObject({ events: { new: 8 }, overruns: 8 });
});
