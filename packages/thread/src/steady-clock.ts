/**
 * The one clock of all threads: CLOCK_MONOTONIC (clock_gettime(2)), shown as Unix milliseconds by what the wall clock was ahead of it when the
 * program began. It never steps, in no thread, whatever is done to the wall clock; what two threads read from it can be compared to the
 * microsecond, also with what perf events stamp. A time that people see is moved by `wallAheadMs` where it is shown, and nowhere else.
 */
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";

/** Under this name a thread finds what the thread that started it went by. */
const NAME = "conntrail.steady-clock";

/** Microseconds from CLOCK_MONOTONIC to Unix time: read in the first thread, handed down to all others. */
const OFFSET_MICROS = ((): number => {
  const given = getEnvironmentData(NAME);
  if (typeof given === "number") return given;
  const offset = Date.now() * 1000 - monotonicMicros();
  setEnvironmentData(NAME, offset);
  return offset;
})();

/** The time, Unix milliseconds in whole microseconds: a recording keeps those, so that a time read back from one is the very same number. */
export function steadyMs(): number {
  return (OFFSET_MICROS + monotonicMicros()) / 1000;
}

/** A moment of CLOCK_MONOTONIC, nanoseconds, in the same milliseconds: what the kernel stamped is comparable with what was read here. */
export function steadyMsOf(monotonicNs: number): number {
  return (OFFSET_MICROS + Math.floor(monotonicNs / 1000)) / 1000;
}

/** A step of the wall clock smaller than this is not told from the time that two readings take. */
const LEAST_STEP_MS = 10;

/** Readings of both clocks, at most, until two lie close together. */
const ATTEMPTS = 5;

/** What the wall clock is ahead of the steady one. `before` is what it was found to be last: kept until the wall clock has been set, so that shown times do not tremble. */
export function wallAheadMs(before: number): number {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const fromMs = steadyMs();
    const wallMs = Date.now();
    const untilMs = steadyMs();
    if (untilMs - fromMs >= 1) continue; // interrupted in between
    const aheadMs = wallMs - fromMs;
    return Math.abs(aheadMs - before) < LEAST_STEP_MS ? before : Math.round(aheadMs);
  }
  return before;
}

function monotonicMicros(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + Math.floor(nanoseconds / 1000);
}
