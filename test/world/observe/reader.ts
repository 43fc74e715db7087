/**
 * The simulated ingest: what packages/ingest/src/ingest-loop.ts and namespace-watch.ts do with sockets and timers, done in virtual time with the real
 * FlowTracker and the kernel's log. It searches for namespaces, reads their queues, dumps their tables, and sends a batch when it is due and the pipeline keeps up.
 */
import { FlowTracker } from "@conntrail/ingest";
import { CT_TCP_STATE, type FlowBatch } from "@conntrail/model";
import type { PlaceLog, Told } from "../kernel/kernel.ts";
import { writeMessage } from "../kernel/message-templates.ts";
import { type History, LABEL } from "../truth/history.ts";
import { TOLD } from "../truth/lives.ts";
import { Random } from "../truth/random.ts";
import type { Agenda } from "./agenda.ts";
import { after, type Plan, timeOf } from "./plan.ts";
import type { Sights } from "./sights.ts";
import { TableDump } from "./table-dump.ts";
import { Watch } from "./watch.ts";

/** As in ingest-loop.ts, namespace-watch.ts and namespace-roster.ts. */
const CREDITS = 2;
const FLUSH_MS = 100;
const PROMPT_MS = 20;
const HEARTBEAT_MS = 1_000;
const RESYNC_QUIET_MS = 200;
const RETRY_MS = 100;
const SEARCH_MS = 1_000;

/** What a reader works with. */
export interface ReaderTools {
  readonly history: History;
  readonly plan: Plan;
  readonly logs: readonly PlaceLog[];
  readonly agenda: Agenda;
  readonly sights: Sights;
  /** Takes a batch, closed at `atMs`. */
  readonly deliver: (batch: FlowBatch, number: number, atMs: number) => void;
}

const block = new Uint8Array(1 << 18);

/** One life of the ingest, from its start to its stop. */
export class Reader {
  /** The last batch. */
  last: FlowBatch | undefined;
  readonly #tools: ReaderTools;
  readonly #tracker: FlowTracker;
  readonly #watches = new Map<number, Watch>();
  readonly #random: Random;
  /** Entries whose end was read: a dump that shows them open is older. */
  readonly #over = new Set<Told["entry"]>();
  #dump: TableDump | undefined;
  #credits = CREDITS;
  #sentMs = Number.NEGATIVE_INFINITY;
  #flushedMs = Number.NEGATIVE_INFINITY;
  #changedMs = Number.POSITIVE_INFINITY;
  #searchDueMs: number;
  #busyMs: number;
  #dumpEnded = false;
  #cutAsked = false;
  #stopped = false;
  #scheduledMs = Number.POSITIVE_INFINITY;
  #overruns = 0;

  constructor(tools: ReaderTools, epoch: number, nowMs: number) {
    this.#tools = tools;
    this.#tracker = new FlowTracker({ epoch, capacity: 4_096 });
    this.#random = new Random(tools.history.seed, LABEL.watch, epoch);
    this.#searchDueMs = this.#busyMs = nowMs;
    this.#search(nowMs, true);
    this.#schedule(nowMs);
  }

  /** The pipeline has taken a batch. */
  acknowledge(nowMs: number): void {
    this.#credits = Math.min(CREDITS, this.#credits + 1);
    this.#schedule(nowMs);
  }

  /** A batch is wanted whose cut is later than now. */
  requestCut(nowMs: number): void {
    this.#cutAsked = true;
    this.#schedule(nowMs);
  }

  /** Ends without a last word: it died. */
  kill(): void {
    this.#stopped = true;
  }

  /** Reads what is left, sends it, and ends. */
  stop(nowMs: number): void {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const watch of this.#watches.values()) this.#read(watch, nowMs);
    do this.#send(nowMs);
    while (this.#tracker.hasChanges);
  }

  #round(roundMs: number): void {
    if (this.#stopped) return;
    const nowMs = after(
      this.#tools.plan.stalls.filter(({ place }) => place < 0),
      -1,
      Math.max(roundMs, this.#busyMs),
    );
    if (nowMs > roundMs) {
      this.#schedule(nowMs);
      return;
    }
    if (nowMs >= this.#searchDueMs) this.#search(nowMs, false);
    for (const watch of this.#watches.values()) if (watch.dueMs <= nowMs) this.#read(watch, nowMs);
    this.#dumpSlice(nowMs);
    this.#flushWhenDue(nowMs);
    this.#schedule(this.#nextDueMs());
  }

  #search(nowMs: number, first: boolean): void {
    this.#searchDueMs = nowMs + SEARCH_MS;
    const { history, plan, logs } = this.#tools;
    for (const place of history.places) {
      const there = place.createdMs <= nowMs && nowMs < place.goneMs;
      const watch = this.#watches.get(place.index);
      if (there && watch === undefined) {
        const periodMs = this.#random.magnitude(2, 40);
        this.#watches.set(place.index, new Watch(place, logs[place.index]!, plan, periodMs, nowMs, !first));
        this.#tracker.emptied(place.netns, timeOf(nowMs));
      } else if (!there && watch !== undefined) {
        this.#read(watch, nowMs);
        this.#release(watch);
      }
    }
  }

  #release(watch: Watch): void {
    if (this.#dump?.watch === watch) this.#dump = undefined;
    this.#watches.delete(watch.place.index);
    this.#tracker.release(watch.place.netns);
    for (const entry of watch.log.entries) this.#close(entry, false);
  }

  /** Reads a namespace's queue empty. */
  #read(watch: Watch, nowMs: number): void {
    const { netns, index } = watch.place;
    const { sights } = this.#tools;
    const emptyMs = watch.emptyMs;
    let lost = false;
    let length = 0;
    const told: Told[] = [];
    watch.read(
      nowMs,
      (each) => {
        told.push(each);
        const { entry, event } = each;
        length = writeMessage(
          block,
          length,
          event.told,
          entry,
          entry.life.protocol === 6 ? event.state : -1,
          event.status,
        );
      },
      ({ entry }) => {
        lost = true;
        sights.entry(entry).lost++;
      },
    );
    this.#tracker.emptied(netns, timeOf(emptyMs));
    if (lost) {
      this.#overruns++;
      watch.lost(emptyMs);
      this.#tracker.overrun(netns);
      this.#dump?.disturb(watch);
      sights.overruns.push({ place: index, atMs: nowMs });
      watch.lossMs = Math.min(watch.lossMs, nowMs);
      if (this.#dump?.watch !== watch) watch.dumpDueMs = Math.min(nowMs + RESYNC_QUIET_MS, watch.lossMs + 1_000);
    }
    if (length > 0) this.#tracker.apply(netns, block, 0, length, timeOf(nowMs));
    this.#tracker.emptied(netns, timeOf(nowMs));
    for (const each of told) this.#note(each);
    if (this.#tracker.hasChanges) this.#changedMs = Math.min(this.#changedMs, nowMs);
  }

  #note({ entry, event }: Told): void {
    const sight = this.#tools.sights.entry(entry);
    if (isOpen(event.state)) sight.established ||= this.#batch;
    if (event.told === TOLD.new) {
      sight.began = true;
      // What had the tuple before is over, whatever was heard of it.
      const before = entry.life.before?.entries.filter(({ hop }) => hop === entry.hop) ?? [];
      for (const each of before) this.#close(each, false);
    }
    if (event.told === TOLD.destroy || isClosing(event.state)) {
      this.#over.add(entry);
      this.#close(entry, true);
    } else if (sight.closed === 0) sight.opened ||= this.#batch;
  }

  #close(entry: Told["entry"], seen: boolean): void {
    const sight = this.#tools.sights.entry(entry);
    if (sight.opened > 0 && sight.closed === 0) {
      sight.closed = this.#batch;
      sight.endSeen = seen;
    }
  }

  /** The number of the batch that is being gathered. */
  get #batch(): number {
    return this.#tools.sights.batchMs.length;
  }

  /** One dump at a time: the one under way, else the one that is most overdue. */
  #dumpSlice(nowMs: number): void {
    const { plan, sights } = this.#tools;
    if (this.#dump === undefined) {
      const due = [...this.#watches.values()].filter(({ dumpDueMs }) => dumpDueMs <= nowMs);
      const watch = due.sort((a, b) => a.dumpDueMs - b.dumpDueMs)[0];
      if (watch === undefined) return;
      this.#read(watch, nowMs);
      this.#tracker.beginDump(watch.place.netns, timeOf(nowMs), { tellClosed: watch.late });
      watch.lossMs = watch.dumpDueMs = Number.POSITIVE_INFINITY;
      this.#dump = new TableDump(watch, this.#random, nowMs);
      return;
    }
    const dump = this.#dump;
    if (nowMs < dump.dueMs) return;
    const { watch } = dump;
    const { netns } = watch.place;
    const rows = dump.rowsBy(nowMs);
    if (dump.done) this.#read(watch, nowMs);
    let length = 0;
    for (const { entry, event } of rows) {
      const sight = sights.entry(entry);
      sight.silent ||= watch.isSilent(entry);
      if (isOpen(event.state)) sight.established ||= this.#batch;
      length = writeMessage(block, length, 3, entry, entry.life.protocol === 6 ? event.state : -1, event.status);
      if (isClosing(event.state)) this.#close(entry, true);
      else if (sight.closed === 0 && !this.#over.has(entry)) sight.opened ||= this.#batch;
    }
    if (length > 0) this.#tracker.applyDump(netns, block, 0, length, timeOf(nowMs));
    if (!dump.done) return;
    this.#dump = undefined;
    this.#dumpEnded = true;
    if (this.#tracker.endDump(netns)) {
      watch.complete = watch.whole = true;
      watch.dumpDueMs = nowMs + plan.reconcileMs;
      for (const entry of watch.log.entries) if (dump.lacks(entry)) this.#close(entry, false);
    } else {
      watch.failures++;
      watch.dumpDueMs = nowMs + RETRY_MS;
    }
  }

  #flushWhenDue(nowMs: number): void {
    if (this.#dumpEnded) this.#changedMs = Math.min(this.#changedMs, nowMs - PROMPT_MS);
    if (this.#credits === 0 || nowMs < this.#flushDueMs()) return;
    this.#cutAsked = false;
    let atMs = nowMs;
    for (const watch of this.#watches.values()) {
      this.#read(watch, atMs);
      if (this.#random.chance(0.1)) atMs += this.#random.magnitude(0.01, 0.01 + this.#tools.plan.skewMs);
      else atMs += 0.02;
    }
    this.#busyMs = atMs;
    do {
      this.#credits--;
      this.#send(atMs);
    } while (this.#credits > 0 && this.#tracker.hasChanges);
  }

  #flushDueMs(): number {
    if (this.#cutAsked) return Number.NEGATIVE_INFINITY;
    const news = this.#tracker.hasChanges || this.#dumpEnded;
    return news ? Math.max(this.#flushedMs + FLUSH_MS, this.#changedMs + PROMPT_MS) : this.#sentMs + HEARTBEAT_MS;
  }

  #send(nowMs: number): void {
    this.#sentMs = nowMs;
    if (this.#tracker.hasChanges || this.#dumpEnded) this.#flushedMs = nowMs;
    this.#dumpEnded = false;
    const { sights, deliver } = this.#tools;
    const number = this.#batch;
    const lost = this.#overruns;
    const started = [...this.#watches.values()].every(({ complete, late }) => complete || late);
    const verdict = started
      ? ({ state: "ok", reason: null } as const)
      : ({ state: "degraded", reason: "starting" } as const);
    const facts = { ...verdict, advice: null, lost, receiveBufferBytes: 0 };
    sights.batchMs.push(nowMs);
    const cutMs = Math.min(nowMs, ...[...this.#watches.values()].map((watch) => watch.cutMs));
    const batch = this.#tracker.flush(timeOf(nowMs), facts, timeOf(cutMs));
    this.last = batch;
    deliver(batch, number, nowMs);
    this.#changedMs = this.#tracker.hasChanges ? nowMs : Number.POSITIVE_INFINITY;
  }

  #nextDueMs(): number {
    let dueMs = this.#credits === 0 ? Number.POSITIVE_INFINITY : this.#flushDueMs();
    dueMs = Math.min(dueMs, this.#searchDueMs, this.#dump?.dueMs ?? Number.POSITIVE_INFINITY);
    for (const watch of this.#watches.values()) {
      dueMs = Math.min(dueMs, watch.dueMs, this.#dump === undefined ? watch.dumpDueMs : Number.POSITIVE_INFINITY);
    }
    return dueMs;
  }

  #schedule(dueMs: number): void {
    const { agenda } = this.#tools;
    const atMs = Math.max(dueMs, this.#busyMs, agenda.nowMs);
    if (atMs >= this.#scheduledMs || atMs === Number.POSITIVE_INFINITY) return;
    this.#scheduledMs = atMs;
    agenda.at(atMs, (nowMs) => {
      if (this.#scheduledMs !== atMs) return;
      this.#scheduledMs = Number.POSITIVE_INFINITY;
      this.#round(nowMs);
    });
  }
}

/** The states from which a TCP connection does not come back. */
function isOpen(state: number): boolean {
  return state === CT_TCP_STATE.established || state === CT_TCP_STATE.finWait || state === CT_TCP_STATE.closeWait;
}

function isClosing(state: number): boolean {
  return state === CT_TCP_STATE.timeWait || state === CT_TCP_STATE.close;
}
