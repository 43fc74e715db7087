/** When the ingest's batches are due. */
import { expect, test } from "vitest";

const { BatchPace } = (await import(
  new URL("../../packages/ingest/dist/batch-pace.js", import.meta.url).href
)) as typeof import("../../packages/ingest/src/batch-pace.ts");

test("without news once a second, with news 15 ms after they can have happened, and 100 ms after a batch", () => {
  const pace = new BatchPace(100);
  pace.sent(1_000, 0, false, false);
  expect(pace.dueMs(false, 1_001)).toBe(2_000);
  pace.news(1_500);
  expect(pace.dueMs(true, 1_520)).toBe(1_515);
  pace.sent(1_520, 3, true, false);
  pace.news(1_530);
  expect(pace.dueMs(true, 1_530)).toBe(1_620);
});

test("news that no reading brought are told as well: those of a namespace that was the last one watched", () => {
  const pace = new BatchPace(100);
  pace.sent(1_000, 0, false, false);
  expect(pace.dueMs(true, 5_000)).toBe(5_015);
  expect(pace.dueMs(true, 5_010)).toBe(5_015);
});

test("who hurries is told 30 ms after a batch of few flows, and not after one of many", () => {
  const pace = new BatchPace(100);
  pace.hurried = true;
  pace.sent(1_000, 32, true, false);
  pace.news(1_001);
  expect(pace.dueMs(true, 1_001)).toBe(1_030);
  pace.sent(1_030, 32, true, true);
  pace.sent(1_030, 1, true, false);
  pace.news(1_031);
  expect(pace.dueMs(true, 1_031)).toBe(1_130);
});
