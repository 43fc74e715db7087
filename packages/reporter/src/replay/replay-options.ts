/** What a replay can be told, and what it tells at its end. */
import type { CaptureCounts, CaptureFormat, ParseError } from "@conntrail/capture";
import { OPTION_LIMITS } from "../options/limits.ts";
import {
  amount,
  callback,
  checkOptions,
  either,
  havingMethods,
  milliseconds,
  type OptionChecks,
  objectOf,
  oneOf,
} from "../options/option-check.ts";

/** A moment of the capture: Unix milliseconds, or so many milliseconds after its first record. */
export type ReplayTime = number | { readonly afterMs: number };

/** Options of `replay()`. */
export interface ReplayOptions {
  /** 1: as fast as it happened; 10: ten times as fast; "max": as fast as it can be read. Default "max". */
  readonly speed?: number | "max";
  /**
   * When reports are made: every so many milliseconds of the capture's time, or `"end"`, one report of the whole. Default: when the
   * recorded reports were made; every 1,000 where the file has none.
   */
  readonly reports?: number | "end";
  /** Where reports begin. What lies before is applied, and not reported. Default: the first record. */
  readonly from?: ReplayTime;
  /** Where reading ends. Default: the last record. */
  readonly to?: ReplayTime;
  /** Told of each line of text that could not be read. */
  readonly onProblem?: (problem: ParseError) => void;
  /** Told once, when everything was read that could be, before the stream ends or fails. */
  readonly onEnd?: (summary: ReplaySummary) => void;
  /** Ends the replay early: a last report follows. */
  readonly signal?: AbortSignal;
}

/** What a replay has come to. */
export interface ReplaySummary {
  readonly format: CaptureFormat | undefined;
  /** What was read from the file and what was left out. */
  readonly counts: CaptureCounts;
  /** Messages that hold no flow that can be understood. */
  readonly undecodable: number;
  /** Copies of an event: an nlmon interface shows each once per listener. */
  readonly copies: number;
  /** Records with a time that cannot be; they count as of the time before. */
  readonly badTimes: number;
  /** Scans of the sockets that the file does not hold to their end. */
  readonly brokenScans: number;
}

/** The options with nothing left open; `reports` is decided by the file when it is undefined. */
export interface ReplaySettings {
  readonly speed: number;
  readonly reports: number | "end" | undefined;
  readonly from: ReplayTime | undefined;
  readonly to: ReplayTime | undefined;
}

/** Half a year of hours in a second; beyond it "max" is meant. */
const SPEED = { least: 0.001, most: 1_000_000 } as const;

/** Times that a Date can hold (ECMA-262, 21.4.1.1). */
const MOMENT = { least: -8.64e15, most: 8.64e15 } as const;

const AFTER: OptionChecks<{ readonly afterMs: number }> = { afterMs: amount({ least: 0, most: MOMENT.most }) };

const MOMENT_WORDS = "Unix milliseconds, or { afterMs } after the first record";
const moment = either(MOMENT_WORDS, { number: amount(MOMENT), object: objectOf(AFTER) });

const CHECKS: OptionChecks<ReplayOptions> = {
  speed: either('a number above 0, or "max"', { number: amount(SPEED), string: oneOf(["max"]) }),
  reports: either('milliseconds between reports, or "end"', {
    number: milliseconds({ least: OPTION_LIMITS.intervalMs.least, most: Number.MAX_SAFE_INTEGER }),
    string: oneOf(["end"]),
  }),
  from: moment,
  to: moment,
  onProblem: callback,
  onEnd: callback,
  signal: havingMethods("an AbortSignal", "addEventListener"),
};

/** Checks the options and fills the defaults in. Throws an OptionError. */
export function replaySettings(options: ReplayOptions): ReplaySettings {
  checkOptions(CHECKS, options, "");
  const speed = options.speed === undefined || options.speed === "max" ? Number.POSITIVE_INFINITY : options.speed;
  const { reports, from, to } = options;
  return { speed, reports, from, to };
}
