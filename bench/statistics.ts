/** The few numbers that describe a set of samples, and whether two sets differ by more than chance. */

/** A set of samples in five numbers. `mad` is the median absolute deviation. */
export interface Summary {
  readonly n: number;
  readonly median: number;
  readonly p25: number;
  readonly p75: number;
  readonly mad: number;
}

/** Describes samples; throws a RangeError when there are none. */
export function summarize(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new RangeError("no samples");
  const sorted = samples.toSorted((a, b) => a - b);
  const median = quantile(sorted, 0.5);
  const deviations = sorted.map((value) => Math.abs(value - median)).sort((a, b) => a - b);
  return {
    n: sorted.length,
    median,
    p25: quantile(sorted, 0.25),
    p75: quantile(sorted, 0.75),
    mad: quantile(deviations, 0.5),
  };
}

/** The q-quantile of ascending values, interpolated linearly between neighbours. */
function quantile(sorted: readonly number[], q: number): number {
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const low = sorted[below]!;
  return low + (sorted[Math.min(below + 1, sorted.length - 1)]! - low) * (position - below);
}

/** At most `limit` samples that are spread as all of them are: evenly spaced quantiles. */
export function thin(samples: readonly number[], limit: number): number[] {
  if (samples.length <= limit) return [...samples];
  const sorted = samples.toSorted((a, b) => a - b);
  return Array.from({ length: limit }, (_, i) => quantile(sorted, i / (limit - 1)));
}

/** 95 % of bootstrapped ratios median(after) / median(before) lie between these two. `random` gives numbers in [0, 1). */
export function ratioInterval(
  before: readonly number[],
  after: readonly number[],
  random: () => number,
): { readonly low: number; readonly high: number } {
  const ratios: number[] = [];
  for (let round = 0; round < 1000; round++) ratios.push(resampled(after, random) / resampled(before, random));
  ratios.sort((a, b) => a - b);
  return { low: quantile(ratios, 0.025), high: quantile(ratios, 0.975) };
}

function resampled(samples: readonly number[], random: () => number): number {
  const drawn = samples.map(() => samples[Math.floor(random() * samples.length)]!);
  return quantile(
    drawn.sort((a, b) => a - b),
    0.5,
  );
}

/** The b of cost = a · size^b by least squares over logarithms: 1 is linear, 2 quadratic. `undefined` below two sizes. */
export function growthExponent(
  points: readonly { readonly size: number; readonly cost: number }[],
): number | undefined {
  const logs = points
    .filter(({ size, cost }) => size > 0 && cost > 0)
    .map(({ size, cost }) => [Math.log(size), Math.log(cost)] as const);
  const meanX = logs.reduce((sum, [x]) => sum + x, 0) / logs.length;
  const meanY = logs.reduce((sum, [, y]) => sum + y, 0) / logs.length;
  const spread = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  if (logs.length < 2 || spread === 0) return undefined;
  return logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
}
