/**
 * Two runs side by side. A time has changed beyond the noise when three things agree: the medians of all rounds of one run
 * lie on one side of those of the other, the middle halves of the samples do not overlap, and so do 95 % of the
 * bootstrapped ratios. Memory is weighed once, not timed: there, more than 10 %
 * and a byte counts.
 */
import { seededRandom } from "./random.ts";
import { type BenchFile, type FigureResult, higherIsBetter, nameOf } from "./result.ts";
import { ratioInterval, summarize } from "./statistics.ts";
import { align, formatNumber } from "./table.ts";

/** What became of one figure. */
export interface Change {
  readonly name: string;
  readonly unit: string;
  readonly before: number;
  readonly after: number;
  /** after / before, and where 95 % of the bootstrapped ratios lie. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  readonly verdict: "better" | "worse" | "noise";
}

const ONE_SAMPLE = { low: Number.NaN, high: Number.NaN };
const MEMORY_NOISE = 0.1;
const MEMORY_NOISE_BYTES = 1;

/** Compares every figure that both runs have. */
export function compareRuns(before: readonly FigureResult[], after: readonly FigureResult[]): Change[] {
  const earlier = new Map(before.map((result) => [nameOf(result), result]));
  return after.flatMap((result) => {
    const old = earlier.get(nameOf(result));
    return old === undefined || old.unit !== result.unit ? [] : [compareFigures(old, result)];
  });
}

/** The comparison as text, with what differs between the machines. */
export function formatChanges(before: BenchFile, after: BenchFile, changes: readonly Change[]): string {
  const rows = changes.map((change) => [
    change.name,
    formatNumber(change.before),
    formatNumber(change.after),
    change.unit,
    percent(change.ratio),
    Number.isFinite(change.low) ? `${percent(change.low)} – ${percent(change.high)}` : "",
    change.verdict === "noise" ? "within the noise" : `${change.verdict.toUpperCase()}, beyond the noise`,
  ]);
  const head = [`against the run of ${before.machine.date}`, "before", "now", "unit", "change", "95 %", "verdict"];
  return [...machineDifferences(before, after), align([head, ...rows], new Set([1, 2, 4, 5]))].join("\n");
}

function compareFigures(before: FigureResult, after: FigureResult): Change {
  const [old, now] = [summarize(before.samples), summarize(after.samples)];
  const ratio = old.median === 0 ? (now.median === 0 ? 1 : Number.POSITIVE_INFINITY) : now.median / old.median;
  const isMemory = after.figure === "allocated" || after.figure === "held";
  const { low, high } = isMemory ? ONE_SAMPLE : ratioInterval(before.samples, after.samples, seededRandom(1));
  const apart = isMemory
    ? Math.abs(ratio - 1) > MEMORY_NOISE && Math.abs(now.median - old.median) > MEMORY_NOISE_BYTES
    : roundsApart(before, after) && (now.p25 > old.p75 || now.p75 < old.p25) && (low > 1 || high < 1);
  const improved = ratio > 1 === higherIsBetter(after.unit);
  return {
    name: nameOf(after),
    unit: after.unit,
    before: old.median,
    after: now.median,
    ratio,
    low,
    high,
    verdict: apart ? (improved ? "better" : "worse") : "noise",
  };
}

function roundsApart({ roundMedians: old }: FigureResult, { roundMedians: now }: FigureResult): boolean {
  return Math.min(...now) > Math.max(...old) || Math.max(...now) < Math.min(...old);
}

function machineDifferences(before: BenchFile, after: BenchFile): string[] {
  const keys = ["kernel", "cpu", "cores", "node", "architecture"] as const;
  const different = keys.filter((key) => before.machine[key] !== after.machine[key]);
  if (different.length === 0) return [];
  const facts = different.map((key) => `${key} ${before.machine[key]} → ${after.machine[key]}`);
  return [`Not the same machine (${facts.join("; ")}): differences may be the machine's.`];
}

function percent(ratio: number): string {
  if (!Number.isFinite(ratio)) return "new";
  const change = (ratio - 1) * 100;
  return `${change >= 0 ? "+" : "−"}${Math.abs(change).toFixed(1)} %`;
}
