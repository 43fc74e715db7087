/** A leak is found, and what only looks like one is not: on made-up samples whose truth is known. */
import { describe, expect, test } from "vitest";
import { slopeOf } from "./slope.ts";
import { judge, type Measure, type Sample } from "./verdict.ts";

const MEMORY: Measure = { name: "memory", unit: "MB", allowedPerHour: 20, take: "least" };
const ROUND_S = 30;

/** A number from 0 to 1 for each call, the same in each run (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A sample a second: rubbish that piles up and is collected, noise, and `at(seconds)` beneath it all. */
function samples(minutes: number, seed: number, at: (seconds: number) => number): Sample[] {
  const next = random(seed);
  return Array.from({ length: minutes * 60 }, (_, second) => {
    const value = 200 + at(second) + 15 * ((second % 11) / 11) + 4 * next();
    return { atMs: second * 1000, round: Math.floor(second / ROUND_S), value };
  });
}

const judged = (minutes: number, seed: number, at: (seconds: number) => number): string =>
  judge(MEMORY, samples(minutes, seed, at)).judgement;

describe("in ten minutes", () => {
  test("a leak of a megabyte a minute grows", () => {
    for (let seed = 1; seed <= 50; seed++) expect(judged(10, seed, (second) => second / 60)).toBe("grows");
  });

  test("one that leaks in one round of three grows", () => {
    const at = (second: number): number => Math.floor(second / ROUND_S / 3) * 3;
    for (let seed = 1; seed <= 50; seed++) expect(judged(10, seed, at)).toBe("grows");
  });

  test("noise alone never grows", () => {
    for (let seed = 1; seed <= 200; seed++) expect(judged(10, seed, () => 0)).not.toBe("grows");
  });

  test("caches that fill in the beginning, and then no more, are no growth", () => {
    for (let seed = 1; seed <= 50; seed++)
      expect(judged(10, seed, (second) => Math.min(second, 140))).not.toBe("grows");
  });

  test("a round in which something big happened is no growth", () => {
    const at = (second: number): number => (second > 400 && second < 460 ? 500 : 0);
    for (let seed = 1; seed <= 50; seed++) expect(judged(10, seed, at)).not.toBe("grows");
  });
});

test("an hour is enough to say that nothing grows", () => {
  for (let seed = 1; seed <= 20; seed++) expect(judged(60, seed, () => 0)).toBe("flat");
});

test("an hour finds a leak of a megabyte in a minute's tenth of it", () => {
  expect(
    judge(
      { ...MEMORY, allowedPerHour: 2 },
      samples(60, 1, (second) => second / 600),
    ).judgement,
  ).toBe("grows");
});

test("descriptors of which one is left in each round grow", () => {
  const held = Array.from({ length: 600 }, (_, second) => {
    const round = Math.floor(second / ROUND_S);
    return { atMs: second * 1000, round, value: 40 + round + (second % 7) };
  });
  expect(judge({ name: "descriptors", unit: "", allowedPerHour: 6, take: "least" }, held).judgement).toBe("grows");
});

test("a few points tell nothing, and their bounds say so", () => {
  const points = Array.from({ length: 4 }, (_, i) => ({ atMs: i * 60_000, value: i * 100 }));
  expect(slopeOf(points)).toEqual({
    perHour: 6_000,
    low: Number.NEGATIVE_INFINITY,
    high: Number.POSITIVE_INFINITY,
  });
  expect(
    judge(
      MEMORY,
      samples(1, 1, (second) => second),
    ).judgement,
  ).toBe("cannot tell");
});
