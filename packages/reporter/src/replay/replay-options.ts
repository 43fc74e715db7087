/** What a replay can be told, and what it tells at its end. */
import type { CaptureCounts, CaptureFormat, ParseError } from "@conntrail/capture";

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

/** Fills the defaults in and refuses what cannot work (`RangeError`). */
export function replaySettings(options: ReplayOptions): ReplaySettings {
  const speed = options.speed === undefined || options.speed === "max" ? Number.POSITIVE_INFINITY : options.speed;
  if (!(speed > 0)) throw new RangeError(`speed: expected more than 0 or "max", got ${speed}`);
  const { reports, from, to } = options;
  if (typeof reports === "number" && !(reports >= MIN_INTERVAL_MS)) {
    throw new RangeError(`reports: expected at least ${MIN_INTERVAL_MS} ms, got ${reports}`);
  }
  return { speed, reports, from, to };
}

/** As for live reports. */
const MIN_INTERVAL_MS = 50;
