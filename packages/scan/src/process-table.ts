/**
 * The processes of a /proc between scans, each known by pid and start time together, because pids are reused (F27). One stat(2) per
 * process and scan tells whether it is still the same one and how many descriptors it has; everything else is read
 * when a process is new.
 */
import type { Owner } from "@conntrail/model";
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

/** What is known of a process. */
export interface ProcessEntry {
  /** Its place in the table; given to another process once this one is gone. */
  readonly slot: number;
  readonly pid: number;
  /** Its folder in /proc: that of the process, or of one of its threads that has descriptors or a namespace of its own. */
  readonly place: number | ThreadPlace;
  readonly startTicks: number;
  /** See `FdFolder`. */
  identity: number;
  size: number;
  /** Inode of its network namespace; `undefined` when that may not be read. */
  netns: number | undefined;
  /** Its descriptors may not be read. */
  denied: boolean;
  readonly fds: FdTable;
  /** Scan (counted from 1) in which it was first seen; long ago for those that the first scan found. */
  readonly bornScan: number;
  /** Scans in which its descriptors were last listed, and in which it was last found to hold a socket that was looked for. */
  listedScan: number;
  gainedScan: number;
  /** What a table says of it, once one has to. */
  owner: Owner | undefined;
  ownerScan: number;
}

/** Scans between two attempts to read the descriptors of a process that refused. */
const DENIED_RETRY_SCANS = 30;

/** All processes that are there. `onGone` is told of each that no longer is, before its slot is given away. */
export class ProcessTable {
  /** /proc could be read at the last refresh. */
  readable = false;
  /** `size` is the number of open descriptors (Linux 6.2 and later). */
  sizeTells = false;
  /** Files that could not be parsed, since the last refresh. */
  unreadable = 0;
  readonly #root: string;
  readonly #onGone: (process: ProcessEntry) => void;
  readonly #byPid = new Map<number, ProcessEntry>();
  readonly #threads = new Map<ThreadPlace, ProcessEntry>();
  readonly #bySlot: (ProcessEntry | undefined)[] = [];
  readonly #freeSlots: number[] = [];

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

  /** Brings the table up to date. Returns the processes that are new. Throws OpError for what is neither gone nor forbidden. */
  refresh(scan: number): ProcessEntry[] {
    this.unreadable = 0;
    const pids = this.#pids();
    this.readable = pids.length > 0;
    if (scan === 1) this.sizeTells = sizeIsCount(this.#root);
    const present = new Set(pids);
    for (const process of [...this.#byPid.values()]) if (!present.has(process.pid)) this.#remove(process);
    for (const thread of [...this.#threads.values()]) this.#lookAtThread(thread);
    return pids.flatMap((pid) => this.#look(pid, scan) ?? []);
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
      if (known.denied && (scan + known.slot) % DENIED_RETRY_SCANS === 0) known.denied = false;
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
