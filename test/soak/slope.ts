/**
 * The slope of a noisy series, and how far it can be believed: the median of the slopes between all pairs of points, which a few wild points do not move, with the interval that Kendall's
 * statistic gives. Sources: Theil (1950); Sen, "Estimates of the regression coefficient based on Kendall's tau" (1968).
 */

/** A value at a moment. */
export interface Point {
  readonly atMs: number;
  readonly value: number;
}

/** Per hour: the estimate, and the bounds between which the slope is with 99 in 100. Infinite bounds: so few points tell nothing. */
export interface Slope {
  readonly perHour: number;
  readonly low: number;
  readonly high: number;
}

const HOUR_MS = 3_600_000;

/** Of the normal distribution: 99 % lie within so many deviations. */
const DEVIATIONS = 2.576;

/** The slope of points at different moments. */
export function slopeOf(points: readonly Point[]): Slope {
  const slopes: number[] = [];
  for (const [i, a] of points.entries()) {
    for (const b of points.slice(i + 1)) slopes.push(((b.value - a.value) / (b.atMs - a.atMs)) * HOUR_MS);
  }
  slopes.sort((a, b) => a - b);
  const n = points.length;
  const spread = DEVIATIONS * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const low = Math.floor((slopes.length - spread) / 2) - 1;
  const high = Math.ceil((slopes.length + spread) / 2);
  return {
    perHour: median(slopes),
    low: slopes[low] ?? Number.NEGATIVE_INFINITY,
    high: slopes[high] ?? Number.POSITIVE_INFINITY,
  };
}

/** The middle one of sorted or unsorted values; 0 of none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
