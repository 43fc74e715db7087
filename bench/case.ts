/**
 * What a bench file exports: `export const cases: readonly BenchCase[]`, in any `<area>/<name>.bench.ts`. Two kinds:
 * a `timed` case is a function that tinybench calls over and over; a `measured` case takes its figures itself (live
 * ingest, a scan, anything with a kernel or a competitor in the same run) and is called once per sample.
 */

/** A stated aim for a figure, compared with its median. `note` says whose aim it is: `T1`, `issue 4`. */
export interface Target {
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly note: string;
}

/** A function that is timed. Its figure is nanoseconds per unit of work, with the heap that a unit takes beside it. */
export interface TimedCase {
  readonly kind: "timed";
  /** `area/what/size`, such as `stages/merge/100k`. Cases that differ only in the last part are one ladder and one line in the plot. */
  readonly name: string;
  /** The unit of work: `flow` makes the column `ns/flow`. */
  readonly per: string;
  /** Units of work in one call. */
  readonly count: number;
  /** Where the case stands on its ladder: the x of the plot. */
  readonly size?: number;
  /** Makes the inputs, untimed, once, and hands back what is to be timed. */
  readonly setup: () => Timed | Promise<Timed>;
  /** An aim in ns per unit of work. */
  readonly target?: Target;
  /** Another timed case of the same file: the ratio of both medians becomes a figure of its own, with its own aim. */
  readonly against?: { readonly name: string; readonly target?: Target };
}

/** What `setup` hands back. */
export interface Timed {
  /** One call: `count` units of work. What it returns counts as held memory. */
  readonly run: () => unknown;
  /** Called before every call, untimed: to give back what `run` consumed. */
  readonly before?: () => void;
  /** Called once, at the end. */
  readonly close?: () => void | Promise<void>;
}

/** A case that takes its figures itself. */
export interface MeasuredCase {
  readonly kind: "measured";
  readonly name: string;
  /** `kernel`: needs root, namespaces and conntrack; a function gives what else is missing. Left out, loudly, where something is. */
  readonly needs?: "kernel" | (() => string | undefined);
  /** How often `measure` is called: 5 without it, and never fewer unless it hands back several values per figure. */
  readonly samples?: number;
  /** One sample of each figure, in the same order every time. */
  readonly measure: (context: MeasureContext) => Promise<readonly Figure[]>;
}

/** What `measure` is told. */
export interface MeasureContext {
  /** 0 for the first call. */
  readonly sample: number;
  /** A line for whoever waits, on stderr. */
  readonly progress: (text: string) => void;
}

/** A number with its unit, one sample or several. */
export interface Figure {
  /** Within the case: `ours`, `C loop`, `ratio`. */
  readonly name: string;
  readonly unit: string;
  readonly value: number | readonly number[];
  /** Where it stands on a ladder, if it is part of one. */
  readonly size?: number;
  readonly target?: Target;
}

/** Either kind. */
export type BenchCase = TimedCase | MeasuredCase;
