/**
 * Who holds each socket: a walk of every process's descriptors once, and from then on as little reading as finds
 * the sockets that are new. What is known stays known until the kernel no longer lists the socket or its process ends.
 *
 * After the first scan, in this order, the later steps only while something is still looked for:
 * 1. all descriptors of processes that are new;
 * 2. stale descriptors, whose socket is gone: the kernel hands out the lowest free number, so a busy process's next socket is there;
 * 3. the other descriptors that are not known to be sockets, in processes that are likely to have a new one (they had one lately, they came a moment ago, their
 *    count grew, they are young), and for a socket that is still unknown one scan later in all of them; up to a budget per scan.
 *
 * So the misses of a scan share one search (F19), and a socket that nobody turns out to hold is searched for once:
 * the kernel has sockets of its own. Beside that a part of what is known is read again in each scan, in turns (recheck.ts).
 */
import { ElsewhereSockets } from "./elsewhere-sockets.ts";
import { FdReader } from "./fd-reader.ts";
import { FD_OTHER, FD_STALE } from "./fd-table.ts";
import type { FirstPass } from "./first-pass.ts";
import { HeldSockets } from "./held-sockets.ts";
import { InodeMap } from "./inode-map.ts";
import { LikelyHolders } from "./likely-holders.ts";
import type { ProcessEntry } from "./process-entry.ts";
import { ProcessTable } from "./process-table.ts";
import { Recheck } from "./recheck.ts";

const NONE = -1;
const SEVERAL = -2;

/** Descriptors read in step 3 of one scan at most. */
const SEARCH_BUDGET = 5000;
/** A process is young for so many scans after its first, and a find is recent for as many. */
const LATELY_SCANS = 5;
/** Reading a stale descriptor costs so much more than listing an open one. */
const READS_PER_LISTED = 4;
/** Free numbers that are tried beyond the new descriptors looked for, before all are listed. */
const PROBES_IN_VAIN = 4;

/** The owners of sockets, by inode. One per scanner; keeps what it learned between scans. */
export class OwnerSearch {
  readonly processes: ProcessTable;
  /** Sockets that are held and in no dump. */
  readonly elsewhere: ElsewhereSockets;
  readonly #held = new HeldSockets();
  readonly #reader: FdReader;
  readonly #recheck: Recheck;
  readonly #likely: LikelyHolders;
  /** Sockets without a known holder, and the scan in which each was first seen to have none. */
  #missing: Map<number, number> = new Map();
  #previous: InodeMap = new InodeMap();
  /** Sockets that were found in the last scan but were not in its dump. */
  #unlisted: readonly number[] = [];

  constructor(root: string) {
    this.#reader = new FdReader(root, this.#held);
    this.processes = new ProcessTable(root, (process) => {
      this.#reader.forget(process);
      this.#likely.forget(process);
    });
    this.#recheck = new Recheck(this.#reader, this.#held, this.processes);
    this.#likely = new LikelyHolders(this.#reader, this.#held, this.processes);
    this.elsewhere = new ElsewhereSockets(root, this.#held, this.processes);
  }

  /** What finding owners has cost so far, in descriptors read. */
  get cost(): number {
    return this.#reader.cost;
  }

  /**
   * Finds the holders of `inodes`, whose keys are the sockets that the kernel lists (kept until the next call). `fresh` are the processes that are
   * new in this scan, `ahead` is what was read of some of them already, by pid. Throws OpError for what is neither gone nor forbidden.
   */
  update(inodes: InodeMap, fresh: readonly ProcessEntry[], ahead: FirstPass["descriptors"], scan: number): void {
    this.#reader.scan = scan;
    this.#reader.gained = new Set();
    this.#markStale(inodes);
    for (const process of fresh) {
      const descriptors = process.place === process.pid ? ahead.get(process.pid) : undefined;
      if (descriptors === undefined) this.#list(process, () => true);
      else this.#reader.take(process, descriptors);
    }
    this.#recheck.run(scan);
    const missing = this.#lookUp(inodes, scan);
    this.#readStale();
    this.#search(missing, scan);
    // Between the news of processes and this reading a pid may have become another one's: then nothing that was found under it is known to be the old one's.
    for (const process of this.#reader.gained) this.processes.isThere(process);
    this.#missing = new Map([...missing].filter(([inode]) => !this.#held.has(inode)));
    this.#unlisted = this.#reader.found.filter((inode) => !inodes.has(inode));
    this.elsewhere.ask(this.#unlisted);
    this.#reader.found = [];
  }

  /**
   * Between two scans: looks for the holders of sockets that live at this moment, where they are likely to be. `scan` is the number of the last one. What is
   * not found is left to the next scan. Throws OpError for what is neither gone nor forbidden.
   */
  findNow(inodes: readonly number[], scan: number): void {
    const wanted = new Set(inodes.filter((inode) => !this.#held.has(inode)));
    if (wanted.size === 0) return;
    this.#reader.scan = scan;
    this.#reader.wanted = new Set(wanted);
    this.#likely.search(scan);
    this.#reader.wanted = new Set();
    const isFound = (inode: number): boolean => wanted.has(inode) && this.#held.has(inode);
    // The next dump tells whether they are there still, as of those that the last one listed.
    for (const inode of wanted) if (isFound(inode)) this.#previous.set(inode, 0);
    this.#reader.found = this.#reader.found.filter((inode) => !isFound(inode));
    this.#likely.learn([...wanted].filter(isFound));
  }

  /** The slot of the process that holds the socket, of several the one with the lowest pid; -1 when none is known. */
  ownerSlot(inode: number): number {
    const only = this.#held.soleHolder(inode);
    if (only !== SEVERAL) return only;
    let lowest = NONE;
    this.#held.each(inode, (slot) => {
      if (lowest === NONE || this.processes.at(slot).pid < this.processes.at(lowest).pid) lowest = slot;
    });
    return lowest;
  }

  /** How many processes hold the socket. */
  holders(inode: number): number {
    if (!this.#held.shared.has(inode)) return this.#held.has(inode) ? 1 : 0;
    const pids = new Set<number>();
    for (const slot of this.holderSlots(inode)) pids.add(this.processes.at(slot).pid);
    return pids.size;
  }

  /** The slots of all that hold the socket, each once. */
  holderSlots(inode: number): Set<number> {
    const slots = new Set<number>();
    this.#held.each(inode, (slot) => slots.add(slot));
    return slots;
  }

  /** Sockets, among `inodes`, that several processes hold. */
  *sharedAmong(inodes: InodeMap): Generator<number> {
    for (const inode of this.#held.shared) if (inodes.has(inode) && this.holders(inode) > 1) yield inode;
  }

  /** Network namespaces that a descriptor keeps open: inode, and a file by which each can be entered. */
  get namespaceFiles(): ReadonlyMap<number, string> {
    return this.#reader.namespaceFiles;
  }

  /** The namespace could not be entered by what is known of it. */
  forgetNamespace(netns: number): void {
    this.#reader.namespaceFiles.delete(netns);
    this.elsewhere.files.delete(netns);
  }

  /** Processes whose descriptors may not be read. */
  denied(): number {
    let count = 0;
    for (const process of this.processes.values()) if (process.denied) count++;
    return count;
  }

  /**
   * A socket that was listed and is no longer was closed. One that was found but never listed either came and went between two dumps, or is of
   * another kind (a UNIX socket): its descriptor is read once more, and if it is still the same socket it is of another kind.
   */
  #markStale(inodes: InodeMap): void {
    const unlisted = this.#unlisted.filter((inode) => !inodes.has(inode));
    this.#reader.expected = new Set(unlisted);
    const markStale = (inode: number): void => this.#reader.markStale(inode, (slot) => this.processes.at(slot));
    for (const inode of this.#previous.keys()) if (!inodes.has(inode)) markStale(inode);
    for (const inode of unlisted) markStale(inode);
    this.#previous = inodes;
  }

  /** All without a holder, with the scan since when; those not yet searched for everywhere become what the reader wants. */
  #lookUp(inodes: InodeMap, scan: number): Map<number, number> {
    let searched = scan;
    for (const process of this.processes.values()) {
      if (!process.denied && process.bornScan < scan) searched = Math.min(searched, process.listedScan);
    }
    const missing = new Map<number, number>();
    const wanted = new Set<number>();
    for (const inode of inodes.keys()) {
      if (this.#held.has(inode)) continue;
      const since = this.#missing.get(inode) ?? scan;
      missing.set(inode, since);
      if (since > searched || since === scan) wanted.add(inode);
    }
    this.#reader.wanted = wanted;
    return missing;
  }

  #readStale(): void {
    for (const process of this.processes.values()) {
      if (this.#reader.wanted.size === 0) return;
      const { stale } = process.fds;
      if (stale === 0) continue;
      if (this.processes.sizeTells && stale * READS_PER_LISTED > process.size) this.#list(process, notSocket);
      else this.#reader.read(process, process.fds.numbers(isStale), true);
    }
  }

  #search(missing: ReadonlyMap<number, number>, scan: number): void {
    const { wanted } = this.#reader;
    const limit = this.#reader.cost + SEARCH_BUDGET;
    const goOn = (): boolean => wanted.size > 0 && this.#reader.cost < limit;
    for (const process of this.#byLikelihood(scan)) {
      if (!goOn()) return;
      if (process.listedScan < scan && !process.denied) this.#searchLikely(process, scan);
    }
    // What was looked for in vain before: everybody who was not listed since. Small processes first, so that one huge one does not hide all others.
    let since = 0;
    for (const inode of wanted) {
      const first = missing.get(inode)!;
      if (first < scan) since = Math.max(since, first);
    }
    const rest = [...this.processes.values()].filter(({ listedScan }) => listedScan < since);
    for (const process of rest.sort((a, b) => a.size - b.size)) {
      if (!goOn()) return;
      this.#list(process, notSocket);
    }
  }

  /** Those that had a new socket lately, which costs no look at any other; those that came since the scan began, which are read as they are met; all others. */
  *#byLikelihood(scan: number): Generator<ProcessEntry> {
    const lately = (process: ProcessEntry): boolean => process.gainedScan > scan - LATELY_SCANS;
    const [first, others]: [ProcessEntry[], ProcessEntry[]] = [[], []];
    for (const process of this.processes.values()) (lately(process) ? first : others).push(process);
    yield* first;
    if (this.#reader.wanted.size > 0 && this.processes.walkedScan < scan) {
      for (const process of this.processes.discover(scan)) this.#list(process, () => true);
    }
    yield* others;
  }

  /**
   * Reads no more of a process than there is reason for: its count of descriptors, or lately a new one. The count is of now, what is known
   * of the moment of the dump: in a busy process the two differ by a few either way.
   */
  #searchLikely(process: ProcessEntry, scan: number): void {
    if (!this.processes.sizeTells) {
      this.#list(process, notSocket);
      return;
    }
    this.processes.lookAgain(process);
    const unread = (): number => Math.max(0, process.size - process.fds.open);
    const young = process.bornScan > scan - LATELY_SCANS;
    if (unread() === 0 && !young && process.gainedScan <= scan - LATELY_SCANS) return;
    // New descriptors have the lowest numbers that were free.
    this.#reader.probe(process, unread() + PROBES_IN_VAIN);
    if (unread() > 0) this.#list(process, notSocket);
    else if (young) this.#reader.read(process, process.fds.numbers(isOther), true);
  }

  #list(process: ProcessEntry, needed: (value: number) => boolean): void {
    if (process.denied) return;
    // Kernel threads have no descriptors. Others may have come to some since the last look.
    if (this.processes.sizeTells && process.size === 0) this.processes.lookAgain(process);
    if (this.processes.sizeTells && process.size === 0) process.listedScan = this.#reader.scan;
    else this.#reader.list(process, needed);
  }
}

/** Another kind of file, which may have been closed and its number used for a socket. */
function isOther(value: number): boolean {
  return value === FD_OTHER;
}

function isStale(value: number): boolean {
  return value === FD_STALE;
}

function notSocket(value: number): boolean {
  return value <= FD_STALE;
}
