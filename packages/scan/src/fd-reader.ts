/**
 * Reads descriptors of processes and keeps the two books in step: each process's own table and the map of who holds what.
 * Reading a descriptor is the dear part of a scan, some 3 µs each, so each read is counted.
 */
import { isNotPermitted, readFdFolder, readFdNumbers, readFdSocket } from "@conntrail/procfs";
import { FD_OTHER, FD_STALE, FD_UNKNOWN } from "./fd-table.ts";
import type { HeldSockets } from "./held-sockets.ts";
import type { ProcessEntry } from "./process-entry.ts";

/** Listing a descriptor costs about a third of reading it. */
const LISTED_PER_READ = 3;

/** The reader. `wanted` are the inodes that are looked for: it shrinks as they are found. */
export class FdReader {
  /** Reads so far, listings included at their share: the measure of cost. */
  cost = 0;
  wanted: Set<number> = new Set();
  /** Sockets found since this was last emptied, those in `expected` left out. */
  found: number[] = [];
  expected: Set<number> = new Set();
  /** Processes in which a socket was found since this was last emptied, but for those that the scan has just met. */
  gained: Set<ProcessEntry> = new Set();
  /** Network namespaces that a descriptor keeps open, and a file by which each can be entered; as last seen. */
  readonly namespaceFiles: Map<number, string> = new Map();
  scan = 0;
  readonly #root: string;
  readonly #held: HeldSockets;

  constructor(root: string, held: HeldSockets) {
    this.#root = root;
    this.#held = held;
  }

  /** Lists a process's descriptors and reads those that `needed` asks for, by what is known of them. */
  list(process: ProcessEntry, needed: (value: number) => boolean): void {
    this.#unlessDenied(process, () => {
      const numbers = readFdNumbers(this.#root, process.place) ?? [];
      this.cost += Math.ceil(numbers.length / LISTED_PER_READ);
      process.listedScan = this.scan;
      this.#forgetUnlisted(process, numbers);
      for (const fd of numbers) if (needed(process.fds.get(fd))) this.#read(process, fd);
    });
  }

  /** Takes in what another thread read of a new process: see `FirstPass.descriptors`. */
  take(process: ProcessEntry, descriptors: Float64Array): void {
    this.cost += Math.ceil(descriptors.length / 2 / LISTED_PER_READ);
    process.listedScan = this.scan;
    for (let at = 0; at < descriptors.length; at += 2) {
      const inode = descriptors[at + 1]!;
      this.#enter(process, descriptors[at]!, Number.isNaN(inode) ? undefined : inode);
    }
  }

  /** Reads the descriptors given, until nothing is wanted any more if `untilFound`. */
  read(process: ProcessEntry, numbers: readonly number[], untilFound: boolean): void {
    this.#unlessDenied(process, () => {
      for (const fd of numbers) {
        if (untilFound && this.wanted.size === 0) return;
        this.#read(process, fd);
      }
    });
  }

  /** Tries the lowest `count` numbers that are not known to be in use, until nothing is wanted any more. */
  probe(process: ProcessEntry, count: number): void {
    this.read(process, process.fds.lowestUnknown(count), true);
  }

  /** Takes a process out of the books. */
  forget(process: ProcessEntry): void {
    for (const fd of process.fds.numbers((value) => value !== FD_UNKNOWN)) this.#learn(process, fd, FD_UNKNOWN);
  }

  /** Marks the holdings of a socket that the kernel has no longer. */
  markStale(inode: number, at: (slot: number) => ProcessEntry): void {
    const holdings: [ProcessEntry, number][] = [];
    this.#held.each(inode, (slot, fd) => holdings.push([at(slot), fd]));
    for (const [process, fd] of holdings) this.#learn(process, fd, FD_STALE);
  }

  #forgetUnlisted(process: ProcessEntry, numbers: readonly number[]): void {
    if (process.fds.open + process.fds.stale === 0) return;
    const listed = new Set(numbers);
    for (const fd of process.fds.numbers((value) => value !== FD_UNKNOWN)) {
      if (!listed.has(fd)) this.#learn(process, fd, FD_UNKNOWN);
    }
  }

  #read(process: ProcessEntry, fd: number): void {
    this.#enter(process, fd, readFdSocket(this.#root, process.place, fd));
  }

  /** `inode` is the answer of `readFdSocket`. */
  #enter(process: ProcessEntry, fd: number, inode: number | undefined): void {
    this.cost++;
    if (inode !== undefined && inode < 0) this.namespaceFiles.set(-inode, `${this.#root}/${process.place}/fd/${fd}`);
    this.#learn(process, fd, inode === undefined ? FD_UNKNOWN : inode <= 0 ? FD_OTHER : inode);
  }

  #learn(process: ProcessEntry, fd: number, value: number): void {
    const before = process.fds.get(fd);
    if (before === value) return;
    if (before > FD_STALE) this.#held.remove(before, process.slot, fd);
    process.fds.set(fd, value);
    if (value <= FD_STALE) return;
    this.#held.add(value, process.slot, fd);
    if (process.bornScan < this.scan && this.scan > 1) this.gained.add(process);
    if (this.expected.size === 0 || !this.expected.has(value)) this.found.push(value);
    if (this.wanted.size > 0 && this.wanted.delete(value)) process.gainedScan = this.scan;
  }

  #unlessDenied(process: ProcessEntry, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!isNotPermitted(error)) throw error;
      this.forget(process);
      process.listedScan = this.scan;
      // Of a process that ended between two steps the kernel says the same (EACCES) as of one that may not be inspected.
      process.denied = readFdFolder(this.#root, process.place)?.identity === process.identity;
    }
  }
}
