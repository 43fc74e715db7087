/**
 * One namespace under watch: its event socket, and what keeps the tracker's picture of it whole. Start, loss and reconciliation take the same
 * way: read the events empty, dump in slices with the events read in between, read the events empty, end the dump. What disturbs it
 * (another loss, a table that changed under the dump) makes it begin again, later each time. Monotonic milliseconds are arguments.
 */
import { type BpfInstruction, NETLINK_FAMILY, NFNLGRP } from "@conntrail/netlink";
import { type NetlinkSocket, OVERRUN, openNetlinkSocket } from "@conntrail/netlink/socket";
import { DrainPace } from "./drain-pace.ts";
import type { FlowTracker } from "./flow-tracker.ts";
import { LossAccount } from "./loss-account.ts";
import { RAW, type RawTap } from "./raw-tap.ts";
import { TableDump } from "./table-dump.ts";

/** What a watch needs to know. */
export interface NamespaceWatchOptions {
  readonly netns: number;
  readonly tracker: FlowTracker;
  readonly tap: RawTap | undefined;
  readonly filter: readonly BpfInstruction[];
  readonly receiveBuffer: number;
  readonly receiveBufferMax: number;
  readonly reconcileMs: number;
  /** Whether flows that its first dump finds closed are told: it was found after watching began. */
  readonly late: boolean;
  /** Runs an action inside the namespace. Throws OpError when it cannot be entered. */
  readonly inside: <T>(action: () => T) => T;
  readonly nowMs: number;
  /** The time, for what is read: it is later than what was in the socket. */
  readonly clock: () => number;
}

/** Datagrams that one system call takes, and room for each: an event has 200 to 500 bytes. The odd size keeps slots out of each other's cache lines. */
const MESSAGES_PER_CALL = 128;
const SLOT_BYTES = 1_088;

/** Calls in one reading before others get their turn. */
const CALLS_PER_DRAIN = 64;

/** Calls after which a socket that never gets empty is left for later. */
const CALLS_TO_EMPTY = 2_048;

/** After a loss this long without another before the table is dumped again; but not longer than RESYNC_LATEST_MS. */
const RESYNC_QUIET_MS = 200;
const RESYNC_LATEST_MS = 1_000;

/** A dump that proved nothing is repeated after this long, doubled each time up to RETRY_LATEST_MS. */
const RETRY_MS = 100;
const RETRY_LATEST_MS = 1_000;

/** Dumps take at most this share of the time: 1/30. */
const REST_PER_DUMP = 30;

/** Between a dump and one that is asked for: this many times what it took. */
const REST_PER_REQUEST = 10;

/** Between dumps of a namespace without events. */
const POLL_MS = 1_000;

const NEVER = Number.POSITIVE_INFINITY;

/** Watches a namespace until it is closed. Opened inside it; throws OpError. */
export class NamespaceWatch {
  readonly netns: number;
  readonly late: boolean;
  readonly loss: LossAccount;
  /** When the socket wants to be read next. */
  drainDueMs = 0;
  /** When the table wants to be dumped next. */
  dumpDueMs: number;
  /** Why the last dump failed, as an error number; 0 = it did not. */
  dumpError = 0;
  /** A dump was complete at some time. */
  complete = false;
  /** The kernel tells no events here: dumps are all there is, and come more often. */
  eventsOff = false;
  #receiveBufferBytes: number;
  readonly #options: NamespaceWatchOptions;
  readonly #socket: NetlinkSocket;
  readonly #pace = new DrainPace();
  #drainedMs: number;
  /** When the socket was last found empty, and when before that. */
  #emptyMs: number;
  #emptyBeforeMs: number;
  /** The cut before the loss that no dump has mended; a namespace that was never dumped has none, and 1970 stands for that. */
  #lossCutMs = 0;
  #whole = false;
  /** What the tap was told of `#emptyMs`. */
  #tappedEmptyMs: number | undefined;
  /** Of the losses that no dump has been begun after. */
  #firstLossMs = NEVER;
  #notBeforeMs = 0;
  #lostTapped = 0;
  #dump: TableDump | undefined;
  #dumpStartMs = 0;
  #failures = 0;
  /** When a dump that is asked for may begin. */
  #restedMs = 0;
  /** A dump was asked for while one was under way. */
  #requested = false;

  constructor(options: NamespaceWatchOptions) {
    const { netns, inside, receiveBuffer, receiveBufferMax, filter, nowMs, late } = options;
    this.netns = netns;
    this.late = late;
    this.#options = options;
    this.#emptyMs = this.#emptyBeforeMs = options.clock();
    this.#socket = inside(() =>
      openNetlinkSocket({
        family: NETLINK_FAMILY.netfilter,
        groups: [NFNLGRP.conntrackNew, NFNLGRP.conntrackUpdate, NFNLGRP.conntrackDestroy],
        receiveBufferBytes: receiveBuffer,
        filter,
        messagesPerCall: MESSAGES_PER_CALL,
        slotBytes: SLOT_BYTES,
      }),
    );
    this.#receiveBufferBytes = this.#socket.receiveBufferBytes();
    this.#pace.setReceiveBuffer(this.#receiveBufferBytes);
    this.loss = new LossAccount(receiveBufferMax, nowMs);
    this.#drainedMs = nowMs;
    this.dumpDueMs = nowMs;
    options.tracker.emptied(netns, this.#emptyMs);
  }

  /** What was told here before this moment has been applied. It stands still from a loss to the end of the dump that mends it; but for one that fails it does not wait. */
  get cutMs(): number {
    return this.#whole || this.#failures > 0 ? this.#emptyMs : this.#lossCutMs;
  }

  /** The receive buffer as the kernel accounts it. */
  get receiveBufferBytes(): number {
    return this.#receiveBufferBytes;
  }

  /** True while the receive buffer may still grow. */
  get canGrow(): boolean {
    return this.#receiveBufferBytes < this.#options.receiveBufferMax;
  }

  /** Messages that the kernel dropped on this socket; undefined when it does not say. */
  get lost(): number | undefined {
    return this.#socket.drops();
  }

  /** True between the beginning and the end of a dump. */
  get dumping(): boolean {
    return this.#dump !== undefined;
  }

  /** Reads what is there, for a while. Returns the number of events. */
  drain(nowMs: number): number {
    const events = this.#receive(nowMs, CALLS_PER_DRAIN, false);
    const delayMs = this.#pace.next(events, nowMs - this.#drainedMs);
    this.drainDueMs = events < CALLS_PER_DRAIN * MESSAGES_PER_CALL ? nowMs + delayMs : nowMs;
    this.#drainedMs = nowMs;
    return events;
  }

  /** Asks for a dump that begins from now on, soon. */
  requestDump(nowMs: number): void {
    if (this.dumping) this.#requested = true;
    else this.dumpDueMs = Math.min(this.dumpDueMs, Math.max(nowMs, this.#restedMs));
  }

  /** Begins a dump, or takes its next slice. Returns true while there is more to do. Throws OpError when the namespace cannot be entered. */
  dump(nowMs: number): boolean {
    if (this.#dump === undefined) return this.#beginDump(nowMs);
    const { tracker, tap, clock } = this.#options;
    const { done, interrupted, error } = this.#dump.step(nowMs, (block, offset, length, last) => {
      // The dump ends where the events after it have been read, so that nothing of before lies behind it.
      if (last) this.#readEmpty(nowMs);
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
    this.#socket.close();
  }

  #beginDump(nowMs: number): boolean {
    if (!this.#readEmpty(nowMs)) {
      this.dumpDueMs = nowMs + RETRY_MS;
      return false;
    }
    const { inside, tracker, tap, clock } = this.#options;
    const dump = inside(() => new TableDump(nowMs));
    const timeMs = clock();
    tracker.beginDump(this.netns, timeMs, { tellClosed: this.late });
    tap?.add(RAW.dumpBegin, this.netns, timeMs, this.late ? 1 : 0, dump.request, 0, dump.request.length);
    this.#dump = dump;
    this.#dumpStartMs = nowMs;
    this.#firstLossMs = NEVER;
    this.dumpDueMs = NEVER;
    return true;
  }

  #endDump(nowMs: number, interrupted: boolean, error: number): void {
    this.#dump?.close();
    this.#dump = undefined;
    this.dumpError = error;
    const unusable = interrupted || error !== 0;
    this.#options.tap?.add(RAW.dumpEnd, this.netns, this.#options.clock(), unusable ? 1 : 0);
    const complete = this.#options.tracker.endDump(this.netns, { interrupted: unusable });
    if (complete) {
      this.complete = true;
      this.#whole = true;
      this.#failures = 0;
      const restMs = this.eventsOff ? Math.min(POLL_MS, this.#options.reconcileMs) : this.#options.reconcileMs;
      const lastedMs = nowMs - this.#dumpStartMs;
      this.#restedMs = nowMs + REST_PER_REQUEST * lastedMs;
      this.dumpDueMs = nowMs + Math.max(restMs, REST_PER_DUMP * lastedMs);
      if (this.#requested) this.dumpDueMs = Math.min(this.dumpDueMs, this.#restedMs);
      this.#requested = false;
    } else {
      const waitMs = Math.min(RETRY_LATEST_MS, RETRY_MS * 2 ** Math.min(this.#failures++, 8));
      this.#notBeforeMs = nowMs + Math.max(waitMs, 2 * (nowMs - this.#dumpStartMs));
      this.dumpDueMs = this.#notBeforeMs;
    }
  }

  /** Reads until nothing is left. False when it never gets there. */
  #readEmpty(nowMs: number): boolean {
    return this.#receive(nowMs, CALLS_TO_EMPTY, true) >= 0;
  }

  /** Reads with at most `calls` system calls; with `empty` until one finds nothing, and -1 when none did. */
  #receive(nowMs: number, calls: number, empty: boolean): number {
    const { tracker, clock } = this.#options;
    const socket = this.#socket;
    let events = 0;
    let beforeMs = clock();
    for (let call = 0; call < calls; call++) {
      const count = socket.receive();
      if (count === OVERRUN) {
        this.#overrun(nowMs);
        continue;
      }
      const timeMs = clock();
      if (count > 0) {
        tracker.applyAll(this.netns, socket.block, socket.offsets, socket.lengths, count, timeMs);
        this.#record(count, timeMs);
        events += count;
      }
      // A call that could have taken more has come to the end, some time after it began.
      if (count < MESSAGES_PER_CALL) this.#emptied(beforeMs);
      if (count === 0 || (count < MESSAGES_PER_CALL && !empty)) {
        this.loss.emptied(nowMs);
        return events;
      }
      beforeMs = timeMs;
    }
    return empty ? -1 : events;
  }

  #record(count: number, timeMs: number): void {
    const { tap } = this.#options;
    if (tap === undefined) return;
    const { block, offsets, lengths } = this.#socket;
    if (this.#tappedEmptyMs !== this.#emptyMs) tap.add(RAW.emptied, this.netns, this.#emptyMs);
    this.#tappedEmptyMs = this.#emptyMs;
    for (let i = 0; i < count; i++) tap.add(RAW.event, this.netns, timeMs, 0, block, offsets[i]!, lengths[i]!);
  }

  #emptied(beforeMs: number): void {
    this.#emptyBeforeMs = this.#emptyMs;
    this.#emptyMs = beforeMs;
    this.#options.tracker.emptied(this.netns, beforeMs);
  }

  #overrun(nowMs: number): void {
    const { tracker, tap, clock } = this.#options;
    // The word of the loss ends a call as emptiness does: then the socket was not empty, and nothing is known but the time before.
    this.#emptyMs = this.#emptyBeforeMs;
    this.#tappedEmptyMs = undefined;
    tracker.emptied(this.netns, this.#emptyMs);
    if (this.#whole) this.#lossCutMs = this.#emptyMs;
    this.#whole = false;
    const wanted = this.loss.lost(nowMs, this.#receiveBufferBytes);
    if (wanted > this.#receiveBufferBytes) {
      this.#receiveBufferBytes = this.#socket.setReceiveBuffer(wanted);
      this.#pace.setReceiveBuffer(this.#receiveBufferBytes);
    }
    tracker.overrun(this.netns);
    const lost = this.#socket.drops() ?? 0;
    tap?.add(RAW.overrun, this.netns, clock(), lost - this.#lostTapped);
    this.#lostTapped = lost;
    this.#firstLossMs = Math.min(this.#firstLossMs, nowMs);
    const dueMs = Math.min(nowMs + RESYNC_QUIET_MS, this.#firstLossMs + RESYNC_LATEST_MS);
    this.dumpDueMs = Math.max(dueMs, this.#notBeforeMs);
  }
}
