/**
 * Whether anything happened since the last table (D-59): the kernel's own counters, read before the sockets were, are compared with what they are now. What no counter shows (a UDP socket that took
 * another's place, an address, a device) is found by the scan that comes all the same.
 */
import { inNamespace } from "@conntrail/netlink/socket";
import { type FoundNamespace, type Process, readLatestPid, readNetCounters, readNetNamespace } from "@conntrail/procfs";
import { entryFailure } from "./entry-failure.ts";
import { orForbidden } from "./or-forbidden.ts";

/** A table is believed for so long without a scan at least, and at most; in between for so many times as long as its scan took. */
const BELIEVED_MS = { least: 10_000, most: 60_000 } as const;
const REST_PER_SCAN = 1_000;

/** Namespaces whose counters are read in one look, beside the own one, where they are read in turns. */
const TURN = 12;

/** Counters by namespace; `undefined` for one that does not show them. */
export type NetCounters = ReadonlyMap<number, string | undefined>;

/** What a scan begins with. */
export interface StillnessBefore {
  readonly counters: NetCounters;
  readonly latestPid: number | undefined;
  readonly startedMs: number;
}

/** One per scanner. */
export class Stillness {
  readonly #root: string;
  readonly #segmentsUpTo: number;
  #believed: (StillnessBefore & { readonly untilMs: number }) | undefined;
  #latestPid: number | undefined;
  /** Place of the namespace whose turn is next, among those but the own one. */
  #turn = 0;

  /** Where a table tells of traffic, in namespaces with so many TCP sockets at the most, segments that were sent make it an old one. */
  constructor(root: string, segmentsUpTo: number) {
    this.#root = root;
    this.#segmentsUpTo = segmentsUpTo;
  }

  /** Reads what a scan that begins now will be believed by. */
  before(startedMs: number): Pick<StillnessBefore, "latestPid" | "startedMs"> {
    return { latestPid: readLatestPid(this.#root), startedMs };
  }

  /** Reads the counters of the namespaces that are about to be scanned. */
  counters(found: readonly FoundNamespace[]): NetCounters {
    return new Map(found.map((namespace) => [namespace.netns, this.#countersOf(namespace)]));
  }

  /** A scan is over that took `cpuMs`. */
  scanned(before: StillnessBefore, cpuMs: number): void {
    const restMs = Math.min(BELIEVED_MS.most, Math.max(BELIEVED_MS.least, REST_PER_SCAN * cpuMs));
    this.#believed = { ...before, untilMs: before.startedMs + restMs };
    this.#latestPid = before.latestPid;
  }

  /** No scan is due for its own sake, and there has been one. */
  isBelieved(nowMs: number): boolean {
    return this.#believed !== undefined && nowMs < this.#believed.untilMs;
  }

  /** Since it was last asked, or since the last scan, no process or thread was made. */
  hasSameProcesses(): boolean {
    const latestPid = readLatestPid(this.#root);
    const same = latestPid !== undefined && latestPid === this.#latestPid;
    this.#latestPid = latestPid;
    return same;
  }

  /**
   * The same namespaces as in the last scan, and in each the same counters. `inTurns`, where somebody tells of each TCP connection: the own namespace's, and of the others' some, so that
   * each is read every few seconds and all of them cost no more than a few.
   */
  hasSameCounters(found: readonly FoundNamespace[], inTurns: boolean): boolean {
    const { counters } = this.#believed ?? {};
    if (counters === undefined || found.length !== counters.size) return false;
    return this.#chosen(found, inTurns).every((namespace) => {
      const before = counters.get(namespace.netns);
      return before !== undefined && before === this.#countersOf(namespace);
    });
  }

  #chosen(found: readonly FoundNamespace[], inTurns: boolean): readonly FoundNamespace[] {
    if (!inTurns || found.length <= TURN + 1) return found;
    const others = found.filter(({ path }) => path !== undefined);
    const from = this.#turn % others.length;
    this.#turn = from + TURN;
    const turn = [...others.slice(from), ...others.slice(0, from)].slice(0, TURN);
    return [...found.filter(({ path }) => path === undefined), ...turn];
  }

  #countersOf({ netns, path, process }: FoundNamespace): string | undefined {
    const root = this.#root;
    const read = (place: Process): string | undefined =>
      orForbidden(() => readNetCounters(root, place, this.#segmentsUpTo));
    if (path === undefined) return read("thread-self");
    if (process !== undefined) {
      // The pid may be another process's by now.
      return orForbidden(() => readNetNamespace(root, process)) === netns ? read(process) : undefined;
    }
    try {
      return inNamespace(path, () => read("thread-self"));
    } catch (error) {
      if (entryFailure(error) === undefined) throw error;
      return undefined;
    }
  }
}
