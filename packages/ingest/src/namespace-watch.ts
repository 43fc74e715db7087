/**
 * One namespace under watch: its event socket, and what keeps the tracker's picture of it whole. Start, loss and reconciliation take the same
 * way: read the events empty, dump in slices with the events read in between, read the events empty, end the dump. What disturbs it
 * (another loss, a table that changed under the dump) makes it begin again, later each time. Monotonic milliseconds are arguments.
 */
import { encodeConntrackDump } from "@conntrail/netlink";
import { DrainPace } from "./drain-pace.ts";
import { DumpSchedule } from "./dump-schedule.ts";
import { EventSocket, type EventSocketOptions, MESSAGES_PER_CALL } from "./event-socket.ts";
import type { LossAccount } from "./loss-account.ts";
import { RAW } from "./raw-tap.ts";
import { TableDump } from "./table-dump.ts";

/** What a watch needs to know. */
export interface NamespaceWatchOptions extends EventSocketOptions {
  readonly reconcileMs: number;
  /** Whether flows that its first dump finds closed are told: it was found after watching began. */
  readonly late: boolean;
  readonly nowMs: number;
  /** Whether the kernel counts no entry in the table. */
  readonly isTableEmpty: () => boolean;
}

/** Calls in one reading before others get their turn. */
const CALLS_PER_DRAIN = 64;

/** What is known to be empty is not read at once again. */
const SHORT_REST_MS = 2;

/** Watches a namespace until it is closed. Opened inside it; throws OpError. */
export class NamespaceWatch {
  readonly netns: number;
  readonly late: boolean;
  /** When the socket wants to be read next. */
  drainDueMs = 0;
  /** Nothing that happened before this moment is unread. */
  unreadSinceMs: number;
  /** Why the last dump failed, as an error number; 0 = it did not. */
  dumpError = 0;
  /** A dump was complete at some time. */
  complete = false;
  /** The kernel tells no events here: dumps are all there is, and come more often. */
  eventsOff = false;
  readonly #options: NamespaceWatchOptions;
  readonly #events: EventSocket;
  readonly #pace = new DrainPace();
  readonly #schedule: DumpSchedule;
  #drainedMs: number;
  #still = false;
  #dump: TableDump | undefined;
  /** Nothing was lost since the last complete dump. */
  #whole = false;
  /** The cut before the loss that no dump has mended; a namespace that was never dumped has none, and 1970 stands for that. */
  #lossCutMs = 0;

  constructor(options: NamespaceWatchOptions) {
    const { netns, nowMs, late, reconcileMs } = options;
    this.netns = netns;
    this.late = late;
    this.#options = options;
    this.#events = new EventSocket(options, (lossMs) => this.#takeLoss(lossMs));
    this.#pace.setReceiveBuffer(this.receiveBufferBytes);
    this.#schedule = new DumpSchedule(nowMs, reconcileMs);
    this.#drainedMs = nowMs;
    this.unreadSinceMs = nowMs;
  }

  /** The event socket, for whoever waits until it is readable. */
  get fd(): number {
    return this.#events.fd;
  }

  /** The last reading found nothing: until the socket is readable it need not be read. */
  get still(): boolean {
    return this.#still;
  }

  /** What was told here before this moment has been applied. It stands still from a loss to the end of the dump that mends it; but for one that fails it does not wait. */
  get cutMs(): number {
    return this.#whole || this.#schedule.failures > 0 ? this.#events.emptyMs : this.#lossCutMs;
  }

  /** What was lost, and whose fault it was. */
  get loss(): LossAccount {
    return this.#events.loss;
  }

  /** The receive buffer as the kernel accounts it. */
  get receiveBufferBytes(): number {
    return this.#events.receiveBufferBytes;
  }

  /** True while the receive buffer may still grow. */
  get canGrow(): boolean {
    return this.#events.canGrow;
  }

  /** Messages that the kernel dropped on this socket; undefined when it does not say. */
  get lost(): number | undefined {
    return this.#events.lost;
  }

  /** When the table wants to be dumped next. */
  get dumpDueMs(): number {
    return this.#schedule.dueMs;
  }

  /** True between the beginning and the end of a dump. */
  get dumping(): boolean {
    return this.#dump !== undefined;
  }

  /** Reads what is there, for a while. Returns the number of events. */
  drain(nowMs: number): number {
    const events = this.#events.read(nowMs, CALLS_PER_DRAIN);
    const delayMs = this.#pace.next(events, nowMs - this.#drainedMs);
    this.drainDueMs = events < CALLS_PER_DRAIN * MESSAGES_PER_CALL ? nowMs + delayMs : nowMs;
    this.#drainedMs = nowMs;
    this.unreadSinceMs = nowMs;
    this.#still = events === 0;
    return events;
  }

  /** Reads until nothing is left, or for so long as a dump would wait for that. */
  readEmpty(nowMs: number): void {
    this.#events.readEmpty(nowMs);
  }

  /** Slept until `nowMs`; its event socket is readable or not. */
  awoke(nowMs: number, readable: boolean): void {
    this.drainDueMs = readable ? nowMs : nowMs + SHORT_REST_MS;
    this.unreadSinceMs = nowMs;
  }

  /** Asks for a dump that begins from now on, soon. */
  requestDump(nowMs: number): void {
    this.#schedule.ask(nowMs);
  }

  /** Begins a dump, or takes its next slice. Returns true while there is more to do. Throws OpError when the namespace cannot be entered. */
  dump(nowMs: number): boolean {
    if (this.#dump === undefined) return this.#beginDump(nowMs);
    const { tracker, tap, clock } = this.#options;
    const { done, interrupted, error } = this.#dump.step(nowMs, (block, offset, length, last) => {
      // The dump ends where the events after it have been read, so that nothing of before lies behind it.
      if (last) this.#events.readEmpty(nowMs);
      const timeMs = clock();
      tracker.applyDump(this.netns, block, offset, length, timeMs);
      tap?.add(RAW.dumpRows, this.netns, timeMs, 0, block, offset, length);
    });
    if (!done) return true;
    this.#endDump(nowMs, interrupted, error);
    return false;
  }

  /** Closes the sockets. The tracker's flows are left to whoever closes. */
  close(): void {
    this.#dump?.close();
    this.#events.close();
  }

  #beginDump(nowMs: number): boolean {
    if (!this.#events.readEmpty(nowMs)) {
      this.#schedule.postpone(nowMs);
      return false;
    }
    const { inside, tracker, tap, clock, isTableEmpty } = this.#options;
    if (isTableEmpty()) {
      this.#takeEmptyTable(nowMs);
      return false;
    }
    const dump = inside(() => new TableDump(nowMs));
    const timeMs = clock();
    tracker.beginDump(this.netns, timeMs, { tellClosed: this.late });
    tap?.add(RAW.dumpBegin, this.netns, timeMs, this.late ? 1 : 0, dump.request, 0, dump.request.length);
    this.#dump = dump;
    this.#schedule.begin(nowMs);
    return true;
  }

  /** The same as a dump without rows, which would walk the hash table of all namespaces to find none. */
  #takeEmptyTable(nowMs: number): void {
    const { tracker, tap, clock } = this.#options;
    const request = encodeConntrackDump();
    tracker.beginDump(this.netns, clock(), { tellClosed: this.late });
    tap?.add(RAW.dumpBegin, this.netns, clock(), this.late ? 1 : 0, request, 0, request.length);
    this.#schedule.begin(nowMs);
    this.#events.readEmpty(nowMs);
    this.#endDump(nowMs, false, 0);
  }

  #endDump(nowMs: number, interrupted: boolean, error: number): void {
    this.#dump?.close();
    this.#dump = undefined;
    this.dumpError = error;
    const unusable = interrupted || error !== 0;
    this.#options.tap?.add(RAW.dumpEnd, this.netns, this.#options.clock(), unusable ? 1 : 0);
    const complete = this.#options.tracker.endDump(this.netns, { interrupted: unusable });
    if (complete) this.complete = this.#whole = true;
    this.#schedule.end(nowMs, complete, this.eventsOff);
  }

  #takeLoss(nowMs: number): void {
    if (this.#whole) this.#lossCutMs = this.#events.emptyMs;
    this.#whole = false;
    this.#pace.setReceiveBuffer(this.receiveBufferBytes);
    this.#schedule.lost(nowMs);
  }
}
