/**
 * Which namespaces are watched: those that were chosen, the own one from the first moment, the others as they come and go. A socket keeps its namespace alive, so a namespace that
 * nobody else shows any more is let go at once. Monotonic milliseconds are arguments.
 */
import { statSync } from "node:fs";
import type { NamespaceWay } from "@conntrail/model";
import { isOpError, OpError } from "@conntrail/netlink";
import { inNamespace } from "@conntrail/netlink/socket";
import { isChosen, namespaceName, readCpuTime, readLatestPid } from "@conntrail/procfs";
import { readConntrackFacts, readTableSize } from "./conntrack-facts.ts";
import { ConntrackProbes } from "./conntrack-probe.ts";
import { findNamespaces } from "./find-namespaces.ts";
import type { ResolvedIngestOptions } from "./ingest-options.ts";
import { NamespaceWatch, type NamespaceWatchOptions } from "./namespace-watch.ts";

/** What a watch needs besides the namespace. */
export type WatchTools = Pick<NamespaceWatchOptions, "tracker" | "tap" | "filter" | "clock">;

/** Milliseconds between searches, and between readings of each namespace's facts. */
const SEARCH_MS = 1_000;
const PROBE_MS = 2_000;

/** Searches take at most this share of the time: 1/50; and where no process or thread was made since the last one, there is none for this long. */
const REST_PER_SEARCH = 50;
const STILL_SEARCH_MS = 5_000;

/** A search that is asked for because a process is in a namespace that is not watched comes so long after the last one at the least. */
const LEAST_SEARCH_MS = 100;

/** How long it is believed that each namespace that begins is told. */
const TOLD_MS = 10_000;

/** The same for readings of facts: 1/400. */
const REST_PER_PROBE = 400;

/** Where the kernel does not count a thread's time, one that lay still for a moment on a busy machine would rest for minutes. */
const LONGEST_REST_MS = 10_000;

/** A namespace that could not be watched is tried again after this long; the own one too. */
const RETRY_MS = 10_000;

interface Refusal {
  readonly errno: string;
  readonly untilMs: number;
}

/** The watched namespaces. Closed by `close`. */
export class NamespaceRoster {
  readonly watches: Map<number, NamespaceWatch> = new Map();
  readonly probes: ConntrackProbes = new ConntrackProbes();
  /** Why the own namespace cannot be watched: an errno. */
  obstacle: string | undefined;
  /** Messages lost on sockets that were closed. */
  lostBefore = 0;
  /** Namespaces that others have found, and a way into each. */
  ways: readonly NamespaceWay[] = [];
  readonly own: number;
  readonly #options: ResolvedIngestOptions;
  readonly #tools: WatchTools;
  readonly #onRelease: (netns: number) => void;
  /** Of all that the last search found, chosen or not. */
  #paths: ReadonlyMap<number, string> = new Map();
  /** Namespaces that could not be watched: why, and when they are tried again. */
  readonly #refused = new Map<number, Refusal>();
  #hidden = false;
  #beyondMax = 0;
  #missing: readonly (string | number)[] = [];
  #searchDueMs = 0;
  #probeDueMs = 0;
  /** Of the last search: when it was, the latest pid before it, and the ways it knew. */
  #searchedMs = Number.NEGATIVE_INFINITY;
  #latestPid: number | undefined;
  #waysSearched: readonly NamespaceWay[] = [];
  #first = true;
  /** Until then each namespace that begins is told by others. */
  #toldUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: ResolvedIngestOptions, tools: WatchTools, onRelease: (netns: number) => void) {
    this.#options = options;
    this.#tools = tools;
    this.#onRelease = onRelease;
    this.own = ownNamespace(options.procRoot);
  }

  /** Other namespaces exist that may not be entered, or most processes do not show theirs. */
  get forbidden(): boolean {
    return this.#hidden || this.#refusals("EPERM", "EACCES") > 0;
  }

  /** Namespaces that are not watched because there are too many, or too many open files. */
  get left(): number {
    return this.#beyondMax + this.#refusals("EMFILE", "ENFILE");
  }

  /** Namespaces of a list that are not there, as the list calls them. */
  get missing(): readonly (string | number)[] {
    return this.#missing;
  }

  /** Looks for namespaces and reads facts when it is time to. Returns when it wants to be called next. */
  work(nowMs: number): number {
    if (nowMs >= this.#searchDueMs) {
      const tookMs = this.#stopwatch();
      if (this.#isSearchWanted(nowMs)) this.#search(nowMs);
      this.#searchDueMs = nowMs + Math.min(LONGEST_REST_MS, Math.max(SEARCH_MS, REST_PER_SEARCH * tookMs()));
    }
    if (nowMs >= this.#probeDueMs) {
      const tookMs = this.#stopwatch();
      for (const netns of this.watches.keys()) this.#probe(netns, nowMs);
      this.#probeDueMs = nowMs + Math.min(LONGEST_REST_MS, Math.max(PROBE_MS, REST_PER_PROBE * tookMs()));
    }
    return Math.min(this.#searchDueMs, this.#probeDueMs);
  }

  /** Processes are in these namespaces now, and whoever says so will go on to; undefined: nobody does. True when that is a reason to search now. */
  entered(namespaces: ReadonlySet<number> | undefined, nowMs: number): boolean {
    this.#toldUntilMs = namespaces === undefined ? Number.NEGATIVE_INFINITY : nowMs + TOLD_MS;
    if (this.#options.namespaces === "own") return false;
    const isNew = (netns: number): boolean => netns !== this.own && !this.#paths.has(netns);
    if (namespaces !== undefined && ![...namespaces].some(isNew)) return false;
    this.#latestPid = undefined;
    this.#searchDueMs = Math.min(this.#searchDueMs, this.#searchedMs + LEAST_SEARCH_MS);
    return true;
  }

  /** Lets a namespace go: its socket is closed, its flows are released. */
  release(netns: number): void {
    const watch = this.watches.get(netns);
    if (watch === undefined) return;
    this.lostBefore += watch.lost ?? 0;
    watch.close();
    this.watches.delete(netns);
    this.probes.forget(netns);
    this.#onRelease(netns);
  }

  /** Nothing leads to a namespace any more. Our socket keeps it, and what happened in its last moments is still there to be read. */
  #leave(netns: number, nowMs: number): void {
    try {
      this.watches.get(netns)?.readEmpty(nowMs);
    } catch (error) {
      if (!isOpError(error)) throw error;
    }
    this.release(netns);
  }

  /** The namespace's socket failed: it is let go and tried again later. */
  refuse(netns: number, nowMs: number, errno: string): void {
    this.release(netns);
    this.#refused.set(netns, { errno, untilMs: nowMs + RETRY_MS });
    if (netns === this.own) this.obstacle = errno;
  }

  /** Closes all sockets. */
  close(): void {
    for (const watch of this.watches.values()) watch.close();
    this.watches.clear();
  }

  /** Milliseconds of this thread's CPU since the call, or of time where the kernel does not count CPU: on a busy machine a thread waits for longer than it works. */
  #stopwatch(): () => number {
    const { procRoot } = this.#options;
    const began = this.#tools.clock();
    const cpuBegan = readCpuTime(procRoot, "thread-self");
    return () => {
      const cpu = readCpuTime(procRoot, "thread-self");
      return cpu === undefined || cpuBegan === undefined ? this.#tools.clock() - began : cpu - cpuBegan;
    };
  }

  /** What has no process at all is found by `ways`. */
  #isSearchWanted(nowMs: number): boolean {
    const sameWays = this.ways === this.#waysSearched;
    const isLate = nowMs - this.#searchedMs >= STILL_SEARCH_MS;
    if (nowMs < this.#toldUntilMs && !isLate && sameWays && this.#latestPid !== undefined) return false;
    const latestPid = readLatestPid(this.#options.procRoot);
    const same = latestPid !== undefined && latestPid === this.#latestPid && sameWays;
    if (same && !isLate) return false;
    this.#latestPid = latestPid;
    this.#waysSearched = this.ways;
    this.#searchedMs = nowMs;
    return true;
  }

  #search(nowMs: number): void {
    const { namespaces, procRoot, maxNamespaces } = this.#options;
    if (this.#isOwnChosen()) this.#watch(this.own, nowMs);
    if (namespaces !== "own" && this.obstacle === undefined) {
      const { paths, names, hidden } = findNamespaces(procRoot, this.own, this.ways);
      const isChosenHere = (netns: number): boolean =>
        isChosen(namespaces, this.own, { netns, name: names.get(netns) });
      const chosen = new Set([...paths.keys()].filter(isChosenHere));
      this.#paths = paths;
      this.#hidden = hidden;
      this.#beyondMax = 0;
      for (const netns of this.watches.keys()) {
        if (netns !== this.own && !chosen.has(netns)) this.#leave(netns, nowMs);
      }
      for (const netns of this.#refused.keys()) {
        if (netns !== this.own && !chosen.has(netns)) this.#refused.delete(netns);
      }
      for (const netns of chosen) {
        if (this.watches.size < maxNamespaces || this.watches.has(netns)) this.#watch(netns, nowMs);
        else this.#beyondMax++;
      }
      this.#missing = this.#absent(paths, names);
    }
    this.#first = false;
  }

  #isOwnChosen(): boolean {
    const { namespaces, procRoot } = this.#options;
    const name = typeof namespaces === "string" ? undefined : namespaceName(procRoot, this.own);
    return isChosen(namespaces, this.own, { netns: this.own, name });
  }

  /** What was chosen by name or inode, and is nowhere. */
  #absent(paths: ReadonlyMap<number, string>, names: ReadonlyMap<number, string>): readonly (string | number)[] {
    const { namespaces, procRoot } = this.#options;
    if (typeof namespaces === "string") return [];
    const known = new Set<string | number>([...paths.keys(), ...names.values(), this.own, "own"]);
    const ownName = namespaceName(procRoot, this.own);
    return namespaces.filter((each) => !known.has(each) && each !== ownName);
  }

  #watch(netns: number, nowMs: number): void {
    if (this.watches.has(netns) || nowMs < (this.#refused.get(netns)?.untilMs ?? 0)) return;
    const { receiveBuffer, receiveBufferMax, reconcileMs } = this.#options;
    try {
      const inside = <T>(action: () => T): T => this.#inside(netns, action);
      const sizes = { receiveBuffer, receiveBufferMax, reconcileMs };
      const facts = { netns, nowMs, late: !this.#first, isTableEmpty: () => this.#isTableEmpty(netns) };
      const watch = new NamespaceWatch({ ...this.#tools, ...sizes, ...facts, inside });
      this.watches.set(netns, watch);
      this.#refused.delete(netns);
      if (netns === this.own) this.obstacle = undefined;
    } catch (error) {
      if (!isOpError(error) || error.op === "leave namespace") throw error;
      this.refuse(netns, nowMs, error.errno);
    }
  }

  #refusals(...errnos: readonly string[]): number {
    const other = [...this.#refused].filter(([netns, { errno }]) => netns !== this.own && errnos.includes(errno));
    return other.length;
  }

  /** The own table is dumped once whatever it counts: a refusal is told then. Throws OpError when the namespace cannot be entered. */
  #isTableEmpty(netns: number): boolean {
    if (netns === this.own && this.watches.get(netns)?.complete !== true) return false;
    return this.#inside(netns, () => readTableSize(this.#options.procRoot)) === 0;
  }

  #probe(netns: number, nowMs: number): void {
    try {
      this.probes.take(
        netns,
        this.#inside(netns, () => readConntrackFacts(this.#options.procRoot)),
        nowMs,
      );
    } catch (error) {
      // A namespace that went away is found out by the next search; what a file said wrongly is asked again.
      if (isOpError(error) && error.op === "leave namespace") throw error;
    }
    const watch = this.watches.get(netns);
    if (watch !== undefined) watch.eventsOff = this.probes.eventsOff(netns) ?? false;
  }

  /** Runs an action inside a namespace, and makes sure that the file leads where it did when it was found: pids are reused. */
  #inside<T>(netns: number, action: () => T): T {
    if (netns === this.own) return action();
    const path = this.#paths.get(netns);
    if (path === undefined) throw new OpError("setns", "ESRCH", { detail: `namespace ${netns}` });
    return inNamespace(path, () => {
      if (ownNamespace(this.#options.procRoot) !== netns) throw new OpError("setns", "ESRCH", { detail: path });
      return action();
    });
  }
}

/** The inode of the namespace that the thread is in; 0 when /proc does not tell. */
function ownNamespace(root: string): number {
  try {
    return statSync(`${root}/thread-self/ns/net`).ino;
  } catch {
    return 0;
  }
}
