/**
 * Who is likely to hold a socket that was made a moment ago: whoever held the last ones, by the same numbers; a process that has just come; one that has more
 * descriptors than it had. In this order, each step only while something is looked for, and within a budget.
 */
import type { FdReader } from "./fd-reader.ts";
import { FD_OTHER } from "./fd-table.ts";
import type { HeldSockets } from "./held-sockets.ts";
import type { ProcessEntry } from "./process-entry.ts";
import type { ProcessTable } from "./process-table.ts";

/** Processes that held sockets lately, and the descriptors remembered of each: those that were not used for longest go first. */
const MOST_PROCESSES = 256;
const MOST_NUMBERS = 64;

/** Descriptors read in one look at most. */
const BUDGET = 1_000;

/** Free numbers tried beyond the new descriptors of a process. */
const PROBES = 3;

/** A process with so few descriptors is read as a whole, but for files that are no sockets: of one that held sockets lately, and of any other. */
const FEW_OF_LIKELY = 256;
const FEW = 32;

/** The memory of looks. */
export class LikelyHolders {
  readonly #reader: FdReader;
  readonly #held: HeldSockets;
  readonly #processes: ProcessTable;
  /** Those that were found last come last. */
  readonly #lately = new Map<ProcessEntry, Set<number>>();

  constructor(reader: FdReader, held: HeldSockets, processes: ProcessTable) {
    this.#reader = reader;
    this.#held = held;
    this.#processes = processes;
  }

  /** Looks for what the reader wants. Throws OpError for what is neither gone nor forbidden. */
  search(scan: number): void {
    const reader = this.#reader;
    const limit = reader.cost + BUDGET;
    const goOn = (): boolean => reader.wanted.size > 0 && reader.cost < limit;
    const lately = [...this.#lately].reverse();
    for (const [process, numbers] of lately) {
      if (!goOn()) return;
      if (process.denied) continue;
      reader.read(process, [...numbers], true);
      if (goOn()) reader.probe(process, PROBES + Math.min(reader.wanted.size, MOST_NUMBERS));
      if (goOn() && process.fds.open <= FEW_OF_LIKELY) reader.list(process, isNotOther);
    }
    if (!goOn()) return;
    for (const process of this.#processes.discover(scan)) {
      if (!goOn()) return;
      reader.list(process, () => true);
    }
    for (const process of this.#processes.values()) {
      if (!goOn()) return;
      if (!process.denied) this.#lookAt(process);
    }
  }

  /** Remembers who held the sockets that were found. */
  learn(inodes: readonly number[]): void {
    for (const inode of inodes) {
      this.#held.each(inode, (slot, fd) => this.#note(this.#processes.at(slot), fd));
    }
  }

  /** A process ended. */
  forget(process: ProcessEntry): void {
    this.#lately.delete(process);
  }

  #lookAt(process: ProcessEntry): void {
    if (!this.#processes.sizeTells) {
      if (process.fds.open <= FEW) this.#reader.list(process, isNotOther);
      return;
    }
    const before = process.size;
    this.#processes.lookAgain(process);
    const grown = process.size - Math.min(before, process.fds.open);
    if (grown <= 0) return;
    this.#reader.probe(process, grown + PROBES);
    if (this.#reader.wanted.size > 0 && process.fds.open <= FEW) this.#reader.list(process, isNotOther);
  }

  #note(process: ProcessEntry, fd: number): void {
    const numbers = this.#lately.get(process) ?? new Set();
    numbers.delete(fd);
    numbers.add(fd);
    if (numbers.size > MOST_NUMBERS) numbers.delete(numbers.values().next().value!);
    this.#lately.delete(process);
    this.#lately.set(process, numbers);
    if (this.#lately.size > MOST_PROCESSES) this.#lately.delete(this.#lately.keys().next().value!);
  }
}

/** A socket may have been closed and its number given to another one since. */
function isNotOther(value: number): boolean {
  return value !== FD_OTHER;
}
