/** A short fuzz of reader and decoders; programs/fuzz.ts is the long one. */
import { expect, test } from "vitest";
import { fuzzOnce, noTally, samples } from "./fuzz-capture.ts";

test("damaged captures of every format give records, CaptureErrors and DecodeErrors, and nothing else", async () => {
  const tally = noTally();
  const from = samples();
  for (let seed = 1; seed <= 1000; seed++) await fuzzOnce(seed, from, tally);
  // The damage must have reached every part, or the fuzz proves nothing.
  expect(tally.messages).toBeGreaterThan(5_000);
  expect(tally.decodeErrors).toBeGreaterThan(100);
  expect(tally.sidecars).toBeGreaterThan(300);
  expect(Object.keys(tally.captureErrors)).toEqual(
    expect.arrayContaining(["truncated", "corrupt", "too-long", "not-a-capture"]),
  );
}, 60_000);
