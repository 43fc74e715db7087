/**
 * From the clock of the rings (CLOCK_MONOTONIC) to that of /proc, where a process's start is counted in ticks after boot (CLOCK_BOOTTIME, which
 * goes on while the machine sleeps). Source: proc_pid_stat(5), clock_gettime(2).
 */
import { readUptime } from "@conntrail/procfs";

/** USER_HZ: what the kernel tells user space, on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Differences below it are the file's two decimals and the time between two reads. */
const NOISE_SECONDS = 0.5;

/** The ticks of moments. The machine's sleep is asked for once per construction. */
export class BootClock {
  readonly #sleptNs: number;

  constructor(procRoot: string, nowNs: number) {
    const slept = (readUptime(procRoot) ?? 0) - nowNs / 1e9;
    this.#sleptNs = slept > NOISE_SECONDS ? slept * 1e9 : 0;
  }

  /** The ticks of a moment of CLOCK_MONOTONIC. */
  ticks(timeNs: number): number {
    return Math.floor(((timeNs + this.#sleptNs) * TICKS_PER_SECOND) / 1e9);
  }
}
