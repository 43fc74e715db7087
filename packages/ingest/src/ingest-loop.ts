/**
 * The ingest worker's round: read the sockets that are due, dump the table that is due, see to the namespaces, send a batch when it is time
 * and the consumer keeps up; then sleep until the next of these. Nothing in it waits, so commands get their turn between two
 * rounds; but when the last readings found nothing, the thread sleeps in poll(2) until an event or a command comes (D-58). The consumer has credit for two batches; while it has not taken them, flows change in the table and nothing piles up.
 * A round goes by the moment at which it began; only what is read and what is sent has a moment of its own, which is later.
 */
import { randomInt } from "node:crypto";
import { getSystemErrorName } from "node:util";
import type { FlowBatch, NamespaceWay } from "@conntrail/model";
import { isOpError } from "@conntrail/netlink";
import { steadyMs } from "@conntrail/thread/clock";
import { BatchPace } from "./batch-pace.ts";
import { EventWait } from "./event-wait.ts";
import { flowPolicy } from "./flow-policy.ts";
import { FlowTracker } from "./flow-tracker.ts";
import { judge } from "./ingest-health.ts";
import type { ResolvedIngestOptions } from "./ingest-options.ts";
import { NamespaceRoster } from "./namespace-roster.ts";
import type { NamespaceWatch } from "./namespace-watch.ts";
import { type EmitChunk, RAW, RawTap } from "./raw-tap.ts";
import { receiveFilter } from "./receive-filter.ts";
import type { IngestFacts } from "./tracker-health.ts";
import { warmUp } from "./warm-up.ts";

/** Where the loop's products go. */
export interface IngestOutputs {
  readonly batch: (batch: FlowBatch) => void;
  /** Present when raw messages are wanted. */
  readonly raw: EmitChunk | undefined;
  /** What ends the ingest. */
  readonly failed: (error: unknown) => void;
  /** One of the descriptors that were to be waited for is readable. */
  readonly readable: () => void;
}

/** Batches that may be under way. */
const CREDITS = 2;

/** Receives that a dump goes on for before the sockets are looked at again: some 600 flows each, half a millisecond. */
const DUMP_STEPS = 4;

/** Runs from `start` to `stop`. */
export class IngestLoop {
  readonly #options: ResolvedIngestOptions;
  readonly #outputs: IngestOutputs;
  readonly #tracker: FlowTracker;
  readonly #tap: RawTap | undefined;
  readonly #roster: NamespaceRoster;
  #credits = CREDITS;
  readonly #pace: BatchPace;
  #rosterDueMs = 0;
  /** A dump ended: its consumer waits for that, even if no flow changed. */
  #dumpEnded = false;
  /** A cut was asked for. */
  #cutAsked = false;
  readonly #wait: EventWait;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #stopped = false;

  constructor(options: ResolvedIngestOptions, outputs: IngestOutputs) {
    this.#options = options;
    this.#pace = new BatchPace(options.flushMs);
    this.#outputs = outputs;
    this.#wait = new EventWait(outputs.readable);
    this.#tracker = new FlowTracker({ ...options, hashSeed: randomInt(2 ** 32) });
    this.#tap = outputs.raw === undefined ? undefined : new RawTap(outputs.raw);
    const tools = {
      tracker: this.#tracker,
      tap: this.#tap,
      filter: receiveFilter(flowPolicy(options)),
      clock: steadyMs,
    };
    this.#roster = new NamespaceRoster(options, tools, (netns) => {
      this.#tracker.release(netns);
      this.#tap?.add(RAW.release, netns, steadyMs());
    });
  }

  /** Subscribes everywhere before it returns, so that nothing that happens from now on is missed. */
  start(): void {
    warmUp();
    this.#rosterDueMs = this.#roster.work(steadyMs());
    this.#schedule(0);
  }

  /** The consumer has taken a batch. */
  acknowledge(): void {
    this.#credits = Math.min(CREDITS, this.#credits + 1);
    if ((this.#tracker.waiting > 0 || this.#cutAsked) && !this.#stopped) this.#wake();
  }

  /** The consumer has taken a chunk of raw messages. */
  acknowledgeRaw(): void {
    this.#tap?.acknowledge();
  }

  /** Namespaces that others have found: the next search looks at them too. */
  know(ways: readonly NamespaceWay[]): void {
    this.#roster.ways = ways;
  }

  /** Somebody else's descriptors, in place of those before: when one of them is readable that is told, once. */
  waitFor(fds: readonly number[]): void {
    this.#wait.alsoFor(fds);
  }

  /** Namespaces that processes were born in or have entered; undefined: that is not known any more. */
  entered(namespaces: ReadonlySet<number> | undefined): void {
    if (this.#stopped || !this.#roster.entered(namespaces, steadyMs())) return;
    this.#rosterDueMs = 0;
    this.#wake();
  }

  /** Whether somebody waits for each change. */
  hurry(hurried: boolean): void {
    this.#pace.hurried = hurried;
  }

  /** A batch is wanted whose cut is later than now. */
  requestCut(): void {
    if (this.#stopped) return;
    this.#cutAsked = true;
    this.#wake();
  }

  /** Somebody who sees the messages begins anew: every table is to be dumped as soon as its last dump allows. */
  requestDumps(): void {
    if (this.#stopped) return;
    for (const watch of this.#roster.watches.values()) watch.requestDump(steadyMs());
    this.#wake();
  }

  /** Reads what is left, sends it, and closes everything. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    const nowMs = steadyMs();
    this.#readAll(nowMs);
    this.#tap?.flush();
    do this.#send(nowMs);
    while (this.#tracker.hasChanges);
    this.#roster.close();
  }

  #round(): void {
    try {
      const nowMs = steadyMs();
      const dumping = this.#dumpSlice(nowMs);
      this.#drainDue(nowMs);
      if (nowMs >= this.#rosterDueMs) this.#rosterDueMs = this.#roster.work(nowMs);
      const flushDueMs = this.#flushWhenDue(nowMs);
      if (dumping) this.#schedule(0);
      else this.#sleep(this.#dueMs(flushDueMs));
    } catch (error) {
      this.#outputs.failed(error);
    }
  }

  /** When something is due that no event has to come for. */
  #dueMs(flushDueMs: number): number {
    let dueMs = Math.min(flushDueMs, this.#rosterDueMs);
    for (const watch of this.#roster.watches.values()) dueMs = Math.min(dueMs, watch.dumpDueMs);
    return dueMs;
  }

  /** Until an event comes, or else until the next socket is to be read by the clock. */
  #sleep(untilMs: number): void {
    const watches = [...this.#roster.watches.values()];
    if (this.#wait.sleep(watches, untilMs)) this.#schedule(0);
    else this.#schedule(Math.min(untilMs, ...watches.map(({ drainDueMs }) => drainDueMs)) - steadyMs());
  }

  #drainDue(nowMs: number): void {
    for (const watch of this.#roster.watches.values()) {
      if (nowMs < watch.drainDueMs) continue;
      const { unreadSinceMs } = watch;
      this.#guard(watch, nowMs, () => watch.drain(nowMs));
      if (this.#tracker.hasChanges) this.#pace.news(unreadSinceMs);
    }
  }

  /** One dump at a time: the one under way, else the one that is most overdue. Returns true while there is more of it. */
  #dumpSlice(nowMs: number): boolean {
    let next: NamespaceWatch | undefined;
    for (const watch of this.#roster.watches.values()) {
      if (watch.dumping) next = watch;
      if (next?.dumping) break;
      if (watch.dumpDueMs <= nowMs && watch.dumpDueMs < (next?.dumpDueMs ?? Number.POSITIVE_INFINITY)) next = watch;
    }
    if (next === undefined) return false;
    const watch = next;
    let more = true;
    for (let step = 0; more && step < DUMP_STEPS; step++)
      more = this.#guard(watch, nowMs, () => watch.dump(nowMs)) ?? false;
    if (!watch.dumping) this.#dumpEnded = true;
    if (watch.dumpError !== 0 && watch.netns === this.#roster.own) {
      this.#roster.refuse(watch.netns, nowMs, getSystemErrorName(-watch.dumpError));
    }
    return more;
  }

  /** Runs what may fail for one namespace: it is let go, and tried again later. */
  #guard<T>(watch: NamespaceWatch, nowMs: number, action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      if (!isOpError(error) || error.op === "leave namespace") throw error;
      this.#roster.refuse(watch.netns, nowMs, error.errno);
      return undefined;
    }
  }

  /** Sends batches when it is time to. Returns when the next one is due. */
  #flushWhenDue(nowMs: number): number {
    if (this.#dumpEnded) this.#pace.urgentNews(nowMs);
    const dueMs = this.#flushDueMs(nowMs);
    if (nowMs < dueMs) return dueMs;
    // A batch has what happened before its time in every namespace: a connection through several is told in one piece.
    this.#cutAsked = false;
    this.#readAll(nowMs);
    this.#tap?.flush();
    do {
      this.#credits--;
      this.#send(nowMs);
    } while (this.#credits > 0 && this.#tracker.hasChanges);
    return this.#flushDueMs(nowMs);
  }

  #flushDueMs(nowMs: number): number {
    if (this.#credits === 0) return Number.POSITIVE_INFINITY;
    if (this.#cutAsked) return nowMs;
    return this.#pace.dueMs(this.#hasNews, nowMs);
  }

  #readAll(nowMs: number): void {
    for (const watch of this.#roster.watches.values()) this.#guard(watch, nowMs, () => watch.drain(nowMs));
  }

  /** What the consumer waits for: flows that changed, or the end of a dump. */
  get #hasNews(): boolean {
    return this.#tracker.hasChanges || this.#dumpEnded;
  }

  #send(nowMs: number): void {
    const hadNews = this.#hasNews;
    this.#dumpEnded = false;
    const timeMs = steadyMs();
    let cutMs = timeMs;
    for (const watch of this.#roster.watches.values()) cutMs = Math.min(cutMs, watch.cutMs);
    const batch = this.#tracker.flush(timeMs, this.#facts(nowMs), cutMs);
    this.#outputs.batch(batch);
    this.#pace.sent(nowMs, batch.count, hadNews, this.#tracker.hasChanges);
  }

  #facts(nowMs: number): IngestFacts {
    const { obstacle, own, probes, forbidden, left, missing, lostBefore } = this.#roster;
    const watches = [...this.#roster.watches.values()];
    const losers = watches.filter(({ loss }) => loss.isTold(nowMs));
    const loss = losers.find((watch) => watch.loss.cause === "reader") ?? losers[0];
    let lost: number | null = lostBefore;
    for (const watch of watches) {
      const drops = watch.lost;
      lost = drops === undefined || lost === null ? null : lost + drops;
    }
    const verdict = judge({
      obstacle,
      started: watches.every((watch) => watch.complete || watch.late),
      eventsOff: probes.allEventsOff,
      untracked: probes.untracked && this.#tracker.flows === 0,
      ownEventsOff: probes.eventsOff(own) ?? false,
      ownUntracked: probes.isUntracked(own),
      tableFull: probes.tableFull(nowMs),
      loss: loss?.loss.cause,
      canGrow: loss?.canGrow ?? false,
      ownOnly: this.#options.namespaces !== "own" && forbidden,
      left,
      heard: this.#tracker.hasHeard,
      missing,
    });
    const receiveBufferBytes = this.#roster.watches.get(own)?.receiveBufferBytes ?? 0;
    return { ...verdict, lost, receiveBufferBytes };
  }

  /** Timers are accurate to a millisecond; what is due at once goes ahead after the commands that wait. */
  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    if (delayMs <= 0) this.#immediate = setImmediate(() => this.#round());
    else this.#timer = setTimeout(() => this.#round(), Math.max(1, delayMs));
  }

  #wake(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#schedule(0);
  }
}
