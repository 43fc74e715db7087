/**
 * Whether something grows without end. A series is told by one point for each round of faults, since within a round it goes up and down with what is done to the program: of memory and of what is held the
 * least, for rubbish that waits to be collected is no leak; of a delay the middle. The first quarter of the time is not looked at: caches fill then.
 */
import { median, type Point, type Slope, slopeOf } from "./slope.ts";

/** What is measured, and what it may grow by. */
export interface Measure {
  readonly name: string;
  readonly unit: string;
  /** Growth in an hour that is borne: less than an agent that runs for a month would notice, and more than the rounding of a count. */
  readonly allowedPerHour: number;
  readonly take: "least" | "middle";
}

/** A value, and the round of faults in which it was read. */
export interface Sample extends Point {
  readonly round: number;
}

/** What became of a series. `flat`: it grows by less than is allowed, for certain. `grows`: by more, for certain. Else the noise is too great for the time. */
export interface Verdict {
  readonly name: string;
  readonly unit: string;
  readonly judgement: "flat" | "grows" | "cannot tell";
  readonly allowedPerHour: number;
  readonly slope: Slope;
  /** The first and the last point that counted. */
  readonly first: number;
  readonly last: number;
  readonly points: number;
}

const SETTLING = 1 / 4;

/** Judges a series; samples in order. */
export function judge({ name, unit, allowedPerHour, take }: Measure, samples: readonly Sample[]): Verdict {
  const points = pointsOf(samples, take);
  const slope = slopeOf(points);
  const judgement = slope.low > allowedPerHour ? "grows" : slope.high <= allowedPerHour ? "flat" : "cannot tell";
  const [first, last] = [points[0]?.value ?? 0, points.at(-1)?.value ?? 0];
  return { name, unit, judgement, allowedPerHour, slope, first, last, points: points.length };
}

/** One point for each round that began when things had settled. */
function pointsOf(samples: readonly Sample[], take: Measure["take"]): Point[] {
  const beganMs = samples[0]?.atMs ?? 0;
  const settledMs = beganMs + SETTLING * ((samples.at(-1)?.atMs ?? 0) - beganMs);
  const rounds = new Map<number, Sample[]>();
  for (const sample of samples) rounds.set(sample.round, [...(rounds.get(sample.round) ?? []), sample]);
  const settled = [...rounds.values()].filter(([first]) => first!.atMs >= settledMs);
  return settled.map((round) => {
    const values = round.map(({ value }) => value);
    return {
      atMs: median(round.map(({ atMs }) => atMs)),
      value: take === "least" ? Math.min(...values) : median(values),
    };
  });
}
