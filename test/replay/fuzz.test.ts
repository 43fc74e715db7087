/** A short run of the fuzz of replay, the same each time. The long one: test/replay/programs/fuzz-replay-long.ts. */
import { expect, test } from "vitest";
import { fuzzReplayOnce, noReplayTally, replaySamples } from "./fuzz-replay.ts";

test("damaged captures replay to reports and a CaptureError, and to nothing else", { timeout: 60_000 }, async () => {
  const from = replaySamples();
  const tally = noReplayTally();
  for (let seed = 1; seed <= 60; seed++) await fuzzReplayOnce(seed, from, tally);
  expect(tally.runs).toBe(60);
  expect(tally.reports).toBeGreaterThan(60);
  expect(tally.connections).toBeGreaterThan(100);
  expect(tally.captureErrors).toBeGreaterThan(5);
});
