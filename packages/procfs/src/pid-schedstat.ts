/** /proc/PID/schedstat: time on the CPU, in nanoseconds (the kernel's Documentation/scheduler/sched-stats.rst). */
import type { Process } from "./pids.ts";
import { readText } from "./read-file.ts";

/** Milliseconds that a thread has run so far; `undefined` when it is gone or the kernel does not count (no CONFIG_SCHED_INFO). Throws OpError. */
export function readCpuTime(root: string, process: Process): number | undefined {
  const text = readText(`${root}/${process}/schedstat`);
  return text === undefined ? undefined : parseCpuTime(text);
}

/** The first of three numbers, in milliseconds; `undefined` when there is none. */
export function parseCpuTime(text: string): number | undefined {
  const digits = /^(\d+) /.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits) / 1e6;
}
