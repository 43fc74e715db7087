/**
 * The processes of a /proc between scans, each known by pid and start time together, because pids are reused (F27). Where the trace tells
 * what happened to processes, only those are looked at; else one stat(2) per process and scan tells whether it is still the same one
 * and how many descriptors it has. Everything else is read when a process is new.
 */
import { PROCESS_NEWS, type ProcessNews } from "@conntrail/model";
import {
  isParseError,
  readFdFolder,
  readFdNumbers,
  readNetNamespace,
  readPidStat,
  readPids,
  type ThreadPlace,
} from "@conntrail/procfs";
import { FdTable } from "./fd-table.ts";
import { orForbidden } from "./or-forbidden.ts";
import type { ProcessEntry } from "./process-entry.ts";

/** Scans between two attempts to read the descriptors of a process that refused. */
const DENIED_RETRY_SCANS = 30;

/** Each so many scans all processes are looked at, whatever is told. */
const WALK_SCANS = 30;

/** All processes that are there. `onGone` is told of each that no longer is, before its slot is given away. */
export class ProcessTable {
  /** /proc could be read at the last refresh. */
  readable = false;
  /** `size` is the number of open descriptors (Linux 6.2 and later). */
  sizeTells = false;
  /** Files that could not be parsed, since the last refresh. */
  unreadable = 0;
  /** The scan in which all processes were last looked at. */
  walkedScan = 0;
  readonly #root: string;
  readonly #onGone: (process: ProcessEntry) => void;
  readonly #byPid = new Map<number, ProcessEntry>();
  readonly #threads = new Map<ThreadPlace, ProcessEntry>();
  readonly #bySlot: (ProcessEntry | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  /** Processes that are said to have ended, and are still shown: zombies, or those of which a thread is left. */
  readonly #leaving = new Set<number>();

  constructor(root: string, onGone: (process: ProcessEntry) => void) {
    this.#root = root;
    this.#onGone = onGone;
  }

  get size(): number {
    return this.#byPid.size;
  }

  /** The processes, in the order in which they were found: by pid within a scan; then the threads that stand beside them. */
  *values(): Generator<ProcessEntry> {
    yield* this.#byPid.values();
    yield* this.#threads.values();
  }

  /** The processes alone. */
  get processes(): readonly ProcessEntry[] {
    return [...this.#byPid.values()];
  }

  /** Adds a thread that has something of its own; `undefined` when it is there, or gone. */
  addThread({ pid, startTicks }: ProcessEntry, place: ThreadPlace, scan: number): ProcessEntry | undefined {
    const folder = this.#threads.has(place) ? undefined : orForbidden(() => readFdFolder(this.#root, place));
    if (folder === undefined) return undefined;
    const thread = this.#enter({ pid, place, startTicks, ...folder, scan });
    this.#threads.set(place, thread);
    return thread;
  }

  /** The process at a slot; throws RangeError for a slot that is free. */
  at(slot: number): ProcessEntry {
    const process = this.#bySlot[slot];
    if (process === undefined) throw new RangeError(`no process at slot ${slot}`);
    return process;
  }

  /**
   * Brings the table up to date: by what was told of processes since the last time, or else by looking at all of them. Returns the processes that are new. Throws OpError for
   * what is neither gone nor forbidden.
   */
  refresh(scan: number, news?: ProcessNews): ProcessEntry[] {
    this.unreadable = 0;
    const isTold = news !== undefined && this.walkedScan > 0 && scan - this.walkedScan < WALK_SCANS;
    if (isTold) for (const process of this.values()) this.#retryDenied(process, scan);
    const fresh = isTold ? this.#heed(news, scan) : this.#walk(scan);
    for (const thread of [...this.#threads.values()]) this.#lookAtThread(thread);
    return fresh;
  }

  /** Adds the processes that came since the last refresh, and returns them. Those that ended stay until the next one. Throws OpError. */
  discover(scan: number): ProcessEntry[] {
    return this.#pids().flatMap((pid) => (this.#byPid.has(pid) ? [] : (this.#look(pid, scan) ?? [])));
  }

  /** Reads again how many descriptors a process has. */
  lookAgain(process: ProcessEntry): void {
    process.size = orForbidden(() => readFdFolder(this.#root, process.place))?.size ?? 0;
  }

  /** Reads again which namespace a process is in: it may have moved (setns(2), unshare(2)). */
  readNamespace(process: ProcessEntry): void {
    process.netns = orForbidden(() => readNetNamespace(this.#root, process.place));
  }

  /** The same for all that were in one namespace: those that have ended are in none. */
  readNamespacesOf(netns: number): void {
    for (const process of this.values()) if (process.netns === netns) this.readNamespace(process);
  }

  /** Whether it is still the process that it was; one that is not is taken out. Costs a stat(2). Throws OpError. */
  isThere(process: ProcessEntry): boolean {
    if (this.#bySlot[process.slot] !== process) return false;
    const folder = orForbidden(() => readFdFolder(this.#root, process.place) ?? null);
    if (folder === undefined || folder?.identity === process.identity) return true;
    if (folder !== null && this.#startTicks(process.pid) === process.startTicks) {
      process.identity = folder.identity;
      return true;
    }
    this.#remove(process);
    return false;
  }

  #walk(scan: number): ProcessEntry[] {
    const pids = this.#pids();
    this.readable = pids.length > 0;
    if (scan === 1) this.sizeTells = sizeIsCount(this.#root);
    this.walkedScan = scan;
    this.#leaving.clear();
    const present = new Set(pids);
    for (const process of [...this.#byPid.values()]) if (!present.has(process.pid)) this.#remove(process);
    // Nobody told what became of it since the survey looked.
    for (const process of this.#byPid.values()) {
      process.single = false;
      process.mounts = undefined;
    }
    return pids.flatMap((pid) => this.#look(pid, scan) ?? []);
  }

  /** In the order of pids, as a walk goes. */
  #heed(news: ProcessNews, scan: number): ProcessEntry[] {
    const told = new Map(news);
    for (const pid of this.#leaving) told.set(pid, (told.get(pid) ?? 0) | PROCESS_NEWS.ended);
    this.#leaving.clear();
    const pids = [...told.keys()].sort((a, b) => a - b);
    return pids.flatMap((pid) => this.#heedOne(pid, told.get(pid)!, scan) ?? []);
  }

  /** The process when it is new. */
  #heedOne(pid: number, news: number, scan: number): ProcessEntry | undefined {
    const { born, ended, program, moved, renamed, threads } = PROCESS_NEWS;
    const known = this.#byPid.get(pid);
    if (known === undefined || (news & (born | ended)) !== 0) {
      const fresh = this.#look(pid, scan);
      if (fresh !== undefined) return fresh;
    }
    const process = this.#byPid.get(pid);
    if (process === undefined) return undefined;
    if ((news & ended) !== 0) this.#leaving.add(pid);
    if ((news & program) !== 0) process.ranAnew = true;
    if ((news & moved) !== 0) {
      this.readNamespace(process);
      process.mounts = undefined;
    }
    if ((news & (program | renamed)) !== 0) process.ownerScan = 0;
    if ((news & (ended | threads)) !== 0) process.single = false;
    return undefined;
  }

  #retryDenied(process: ProcessEntry, scan: number): void {
    if (process.denied && (scan + process.slot) % DENIED_RETRY_SCANS === 0) process.denied = false;
  }

  #pids(): number[] {
    return orForbidden(() => readPids(this.#root)) ?? [];
  }

  /** The process when it is new. */
  #look(pid: number, scan: number): ProcessEntry | undefined {
    const known = this.#byPid.get(pid);
    const folder = orForbidden(() => readFdFolder(this.#root, pid) ?? null);
    if (folder === null) {
      if (known !== undefined) this.#remove(known);
      return undefined;
    }
    // A folder that may not be looked at (hidepid) has no identity of its own.
    const { identity, size } = folder ?? { identity: 0, size: 0 };
    if (known !== undefined) {
      known.size = size;
      this.#retryDenied(known, scan);
      if (known.identity === identity) return undefined;
    }
    const startTicks = folder === undefined ? 0 : this.#startTicks(pid);
    if (known !== undefined) {
      if (known.startTicks === startTicks) {
        known.identity = identity;
        return undefined;
      }
      this.#remove(known);
    }
    if (startTicks === undefined) return undefined;
    const process = this.#enter({ pid, place: pid, startTicks, identity, size, scan });
    this.#byPid.set(pid, process);
    return process;
  }

  #lookAtThread(thread: ProcessEntry): void {
    const folder = orForbidden(() => readFdFolder(this.#root, thread.place));
    if (folder === undefined || this.#byPid.get(thread.pid)?.startTicks !== thread.startTicks) this.#remove(thread);
    else thread.size = folder.size;
  }

  #startTicks(pid: number): number | undefined {
    try {
      return orForbidden(() => readPidStat(this.#root, pid))?.startTicks;
    } catch (error) {
      if (!isParseError(error)) throw error;
      this.unreadable++;
      return undefined;
    }
  }

  #enter(
    facts: Pick<ProcessEntry, "pid" | "place" | "startTicks" | "identity" | "size"> & { scan: number },
  ): ProcessEntry {
    const { scan, ...identity } = facts;
    const process: ProcessEntry = {
      ...identity,
      slot: this.#freeSlots.pop() ?? this.#bySlot.length,
      netns: undefined,
      ranAnew: false,
      single: false,
      mounts: undefined,
      denied: false,
      fds: new FdTable(),
      bornScan: scan === 1 ? Number.NEGATIVE_INFINITY : scan,
      listedScan: 0,
      gainedScan: Number.NEGATIVE_INFINITY,
      owner: undefined,
      ownerScan: 0,
    };
    this.#bySlot[process.slot] = process;
    this.readNamespace(process);
    return process;
  }

  #remove(process: ProcessEntry): void {
    this.#onGone(process);
    if (process.place === process.pid) this.#byPid.delete(process.pid);
    else this.#threads.delete(process.place as ThreadPlace);
    this.#bySlot[process.slot] = undefined;
    this.#freeSlots.push(process.slot);
  }
}

/** Tries it on the one process whose descriptors can surely be read. Listing them opens one more. */
function sizeIsCount(root: string): boolean {
  const size = orForbidden(() => readFdFolder(root, "self"))?.size ?? -1;
  const count = orForbidden(() => readFdNumbers(root, "self"))?.length ?? -2;
  return Math.abs(size - count) <= 1;
}
