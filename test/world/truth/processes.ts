/** Processes of a history: they are born and die, and their pids are used again by others. */
import type { Random } from "./random.ts";

/** A process. Milliseconds since the beginning of the history. */
export interface Process {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: with the pid it is the identity. */
  readonly startTicks: number;
  readonly name: string;
  readonly bornMs: number;
  readonly diedMs: number;
}

/** Who holds a socket's descriptor, and when. */
export interface Holding {
  readonly process: Process;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Makes processes. Few pids, so that they are soon used again. */
export class ProcessTable {
  readonly all: Process[] = [];
  readonly #byPid = new Map<number, Process[]>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A process with a pid that nobody else has while it lives. */
  make(name: string, bornMs: number, diedMs: number): Process {
    let pid = 100 + this.#random.below(12);
    while (this.#isTaken(pid, bornMs, diedMs)) pid++;
    const startTicks = 1_000_000 + Math.floor(bornMs / 10);
    const process = { pid, startTicks, name, bornMs, diedMs };
    this.all.push(process);
    const same = this.#byPid.get(pid);
    if (same === undefined) this.#byPid.set(pid, [process]);
    else same.push(process);
    return process;
  }

  /** Ticks last 10 ms: two processes with one pid never begin in the same one. */
  #isTaken(pid: number, bornMs: number, diedMs: number): boolean {
    return (this.#byPid.get(pid) ?? []).some((other) => other.diedMs + 20 > bornMs && diedMs + 20 > other.bornMs);
  }
}
