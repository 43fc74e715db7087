/**
 * The processes of the host, kept by the records of the rings in their order: FORK, EXIT, COMM, NAMESPACES. What lived before is read from /proc:
 * each process when it is first met, and all of them in slices, so that one which ends before it is met has a name. Bounded; the dead
 * are remembered for a while, because what they did may be told after their end.
 */
import { cgroupPlace, type Owner } from "@conntrail/model";
import { readPids, UserNames } from "@conntrail/procfs";
import type { ProcessRecord } from "../process-record.ts";
import type { BootClock } from "./boot-clock.ts";
import type { CgroupNames } from "./cgroup-names.ts";
import type { ProcessEntry } from "./process-entry.ts";
import { describeLiving, findKthreadd, readProcess, readThreadNamespace } from "./read-process.ts";

/** Processes and threads remembered at most, living and dead. */
const MOST_PROCESSES = 131_072;

/** How long a dead process is remembered. */
const MEMORY_NS = 10e9;

/** FORK is told a little after the start that /proc shows: this many ticks of 10 ms. */
const TOLERANCE_TICKS = 3;

/** Processes read from /proc in one slice. */
const SLICE = 64;

/** The table. */
export class ProcessTable {
  readonly #root: string;
  readonly #clock: BootClock;
  readonly #groups: CgroupNames;
  readonly #byPid = new Map<number, ProcessEntry>();
  /** Namespaces of threads that are not the first of their process. */
  readonly #threads = new Map<number, number>();
  /** Processes that ended, in that order. */
  #dead: ProcessEntry[] = [];
  #unread: number[] | undefined;
  readonly #kthreadd: number;
  readonly #commandLines: boolean;
  readonly #users: UserNames;

  constructor(root: string, clock: BootClock, groups: CgroupNames, commandLines: boolean) {
    this.#root = root;
    this.#clock = clock;
    this.#groups = groups;
    this.#commandLines = commandLines;
    this.#users = new UserNames(root);
    this.#kthreadd = findKthreadd(root);
  }

  get size(): number {
    return this.#byPid.size;
  }

  /** Reads some of the processes that were there first. True while there are more. Throws OpError. */
  fill(): boolean {
    this.#unread ??= (readPids(this.#root) ?? []).reverse();
    for (const pid of this.#unread.splice(-SLICE).reverse()) if (!this.#byPid.has(pid)) this.#adopt(pid);
    return this.#unread.length > 0;
  }

  /**
   * The process that a record of `timeNs` names; `undefined` when it cannot be known who that was: it is gone, or its pid belongs to one
   * that started later.
   */
  at(pid: number, timeNs: number): ProcessEntry | undefined {
    const entry = this.#byPid.get(pid) ?? this.#adopt(pid);
    if (entry === undefined || entry.startTicks - TOLERANCE_TICKS > this.#clock.ticks(timeNs)) return undefined;
    return entry;
  }

  /** The network namespace of a thread now, 0 when it is not known. */
  netnsOf(entry: ProcessEntry, tid: number): number {
    if (tid === entry.pid) return entry.netns;
    const known = this.#threads.get(tid);
    if (known !== undefined || !entry.mixed) return known ?? entry.netns;
    const read = readThreadNamespace(this.#root, entry.pid, tid);
    if (this.#threads.size < MOST_PROCESSES) this.#threads.set(tid, read);
    return read;
  }

  /** Takes a FORK. Threads are nobody new; the NAMESPACES that follows each FORK tells where the new one is. */
  fork({ pid, ppid, tid, timeNs }: ProcessRecord): void {
    if (tid !== pid) return;
    const startTicks = this.#clock.ticks(timeNs);
    const known = this.#byPid.get(pid);
    // /proc may have shown it before its record was read.
    if (known?.exactStart && Math.abs(known.startTicks - startTicks) <= TOLERANCE_TICKS) return;
    const parent = this.#byPid.get(ppid) ?? this.#adopt(ppid);
    this.#put({
      pid,
      startTicks,
      exactStart: false,
      ppid,
      name: parent?.name ?? "",
      netns: 0,
      mixed: false,
      cgroup: parent?.cgroup ?? 0,
      kernel: ppid !== 0 && ppid === this.#kthreadd,
      endedNs: 0,
      owner: undefined,
      batch: 0,
      place: 0,
    });
  }

  /** Takes an EXIT. A process whose first thread ends may have others: it is taken for dead when its pid is used again. */
  exit({ pid, tid, timeNs }: ProcessRecord): void {
    this.#threads.delete(tid);
    const entry = this.#byPid.get(pid);
    if (tid !== pid || entry === undefined || entry.endedNs !== 0) return;
    entry.endedNs = timeNs;
    this.#dead.push(entry);
  }

  /** Takes a COMM: another name, because of execve(2) or prctl(2). Names of threads are nobody's. */
  rename({ pid, tid, text, isExec }: ProcessRecord): void {
    if (tid !== pid) return;
    const entry = this.#byPid.get(pid);
    if (entry === undefined) return;
    // What the kernel starts by itself is a process like any other once it runs a program.
    if (isExec) entry.kernel = false;
    if (entry.name === text && !isExec) return;
    entry.name = text;
    entry.owner = undefined;
  }

  /** Takes a NAMESPACES: of a new process or thread, or after setns(2) and unshare(2), which move one thread alone. */
  move({ pid, tid, netns }: ProcessRecord): void {
    if (netns === 0) return;
    const entry = this.#byPid.get(pid);
    if (tid !== pid) {
      if (entry !== undefined && netns === entry.netns && !entry.mixed) this.#threads.delete(tid);
      else if (this.#threads.size < MOST_PROCESSES) this.#threads.set(tid, netns);
      return;
    }
    if (entry === undefined || entry.netns === netns) return;
    // Its other threads stay where they are; those not in the map are looked up.
    if (entry.netns !== 0) entry.mixed = true;
    entry.netns = netns;
  }

  /** What a batch says of a process. Read from /proc while it lives, else from what the records told. Throws OpError. */
  describe(entry: ProcessEntry): Owner {
    entry.owner ??= this.#describe(entry);
    return entry.owner;
  }

  /** Forgets the dead whose time is over, and when the table is too full the oldest of them before. */
  sweep(nowNs: number): void {
    let gone = 0;
    const excess = this.#byPid.size - MOST_PROCESSES;
    for (const entry of this.#dead) {
      if (nowNs - entry.endedNs < MEMORY_NS && gone >= excess) break;
      gone++;
      if (this.#byPid.get(entry.pid) === entry) this.#byPid.delete(entry.pid);
    }
    if (gone > 0) this.#dead = this.#dead.slice(gone);
  }

  /** Records were lost: who ended, moved or was renamed is not known any more. Everybody is read anew when met. */
  forget(): void {
    this.#byPid.clear();
    this.#threads.clear();
    this.#dead = [];
    this.#unread = undefined;
  }

  #adopt(pid: number): ProcessEntry | undefined {
    const entry = readProcess(this.#root, pid, this.#kthreadd);
    if (entry !== undefined) this.#put(entry);
    return entry;
  }

  #put(entry: ProcessEntry): void {
    if (this.#byPid.size >= MOST_PROCESSES && !this.#byPid.has(entry.pid)) {
      this.#byPid.delete(this.#byPid.keys().next().value!);
    }
    this.#byPid.set(entry.pid, entry);
  }

  #describe(entry: ProcessEntry): Owner {
    const living = describeLiving(this.#root, entry, TOLERANCE_TICKS, this.#commandLines, this.#users);
    if (living !== undefined) return living;
    const cgroup = this.#groups.path(entry.cgroup) ?? "";
    const { pid, startTicks, name, ppid } = entry;
    const { containerId } = cgroupPlace(cgroup);
    return { pid, startTicks, process: name, ppid, cmdline: "", cgroup, containerId };
  }
}
