/** What a run hands down: one entry per figure, and the file (`conntrail.bench/1`) that `--json` prints and `--against` reads. */
import { readFileSync } from "node:fs";
import type { Target } from "./case.ts";
import type { MachineFacts } from "./machine.ts";
import { type Summary, summarize } from "./statistics.ts";

/** A figure with its samples. `case` and `figure` together name it. */
export interface FigureResult {
  readonly case: string;
  /** `time`, `allocated` and `held` for timed cases; what the case calls it otherwise. */
  readonly figure: string;
  readonly unit: string;
  /** Of each round at most 51, spread as all that were taken. */
  readonly samples: readonly number[];
  /** The median of each round: how far they are apart is what the machine adds from one minute to the next. */
  readonly roundMedians: readonly number[];
  /** How many were taken. */
  readonly taken: number;
  readonly size?: number;
  readonly target?: Target;
}

/** A case that gave no figures, and why. */
export interface Omission {
  readonly case: string;
  readonly reason: string;
  /** False when the case does not apply here (no kernel), true when it broke. */
  readonly failed: boolean;
}

/** A whole run. */
export interface BenchFile {
  readonly schema: "conntrail.bench/1";
  readonly machine: MachineFacts;
  readonly results: readonly (FigureResult & { readonly summary: Summary; readonly met?: boolean })[];
  readonly omitted: readonly Omission[];
}

/** Puts a run into the form that is written. */
export function benchFile(
  machine: MachineFacts,
  results: readonly FigureResult[],
  omitted: readonly Omission[],
): BenchFile {
  const described = results.map((result) => {
    const met = targetMet(result);
    return { ...result, summary: summarize(result.samples), ...(met === undefined ? {} : { met }) };
  });
  return { schema: "conntrail.bench/1", machine, results: described, omitted };
}

/** Reads an earlier run; throws an Error that names the file when it is not one. */
export function readBenchFile(path: string): BenchFile {
  const content = JSON.parse(readFileSync(path, "utf8")) as Partial<BenchFile>;
  if (content.schema !== "conntrail.bench/1") throw new Error(`${path}: not a file of conntrail.bench/1`);
  return content as BenchFile;
}

/** Adds the samples of a further round to the figures known so far. */
export function addRound(known: readonly FigureResult[], round: readonly FigureResult[]): FigureResult[] {
  const merged = new Map(known.map((result) => [nameOf(result), result]));
  for (const result of round) {
    const earlier = merged.get(nameOf(result));
    merged.set(
      nameOf(result),
      earlier === undefined
        ? result
        : {
            ...earlier,
            samples: [...earlier.samples, ...result.samples],
            taken: earlier.taken + result.taken,
            roundMedians: [...earlier.roundMedians, ...result.roundMedians],
          },
    );
  }
  return [...merged.values()];
}

/** What a figure is called in tables: the case alone for its time. */
export function nameOf({ case: name, figure }: FigureResult): string {
  return figure === "time" ? name : `${name} · ${figure}`;
}

/** Whether the median keeps the target; `undefined` without one. */
export function targetMet({ target, samples }: FigureResult): boolean | undefined {
  if (target === undefined) return undefined;
  const { median } = summarize(samples);
  return (
    median <= (target.atMost ?? Number.POSITIVE_INFINITY) && median >= (target.atLeast ?? Number.NEGATIVE_INFINITY)
  );
}

/** Rates (`events/s`) are better when higher; everything else is a cost. */
export function higherIsBetter(unit: string): boolean {
  return unit.endsWith("/s");
}
