/**
 * The event socket of one namespace: reads what is there into the tracker, with the moments between which it happened, and takes word of losses.
 * What a call takes is older than the moment after it; a call that comes to the end of the socket says that what follows is younger than the moment before it.
 */
import { type BpfInstruction, NETLINK_FAMILY, NFNLGRP } from "@conntrail/netlink";
import { type NetlinkSocket, OVERRUN, openNetlinkSocket } from "@conntrail/netlink/socket";
import type { FlowTracker } from "./flow-tracker.ts";
import { LossAccount } from "./loss-account.ts";
import { RAW, type RawTap } from "./raw-tap.ts";

/** What an event socket needs to know. */
export interface EventSocketOptions {
  readonly netns: number;
  readonly tracker: FlowTracker;
  readonly tap: RawTap | undefined;
  readonly filter: readonly BpfInstruction[];
  readonly receiveBuffer: number;
  readonly receiveBufferMax: number;
  /** Runs an action inside the namespace. Throws OpError when it cannot be entered. */
  readonly inside: <T>(action: () => T) => T;
  /** The time, monotonic milliseconds, for what is read. */
  readonly clock: () => number;
}

/** Datagrams that one system call takes, and room for each: an event has 200 to 500 bytes. The odd size keeps slots out of each other's cache lines. */
export const MESSAGES_PER_CALL = 128;
const SLOT_BYTES = 1_088;

/** Calls after which a socket that never gets empty is left for later. */
const CALLS_TO_EMPTY = 2_048;

/** One socket, subscribed to all conntrack events of its namespace. Opened inside that; throws OpError. */
export class EventSocket {
  readonly loss: LossAccount;
  readonly #options: EventSocketOptions;
  readonly #onLoss: (nowMs: number) => void;
  readonly #socket: NetlinkSocket;
  #receiveBufferBytes: number;
  /** When it was last found empty, and when before that. */
  #emptyMs: number;
  #emptyBeforeMs: number;
  /** What the tap was told of `#emptyMs`. */
  #tappedEmptyMs: number | undefined;
  #lostTapped = 0;

  constructor(options: EventSocketOptions, onLoss: (nowMs: number) => void) {
    const { netns, inside, receiveBuffer, receiveBufferMax, filter, clock, tracker } = options;
    this.#options = options;
    this.#onLoss = onLoss;
    this.#emptyMs = this.#emptyBeforeMs = clock();
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
    this.loss = new LossAccount(receiveBufferMax, this.#emptyMs);
    tracker.emptied(netns, this.#emptyMs);
  }

  /** The socket, for whoever waits until it is readable. */
  get fd(): number {
    return this.#socket.fd;
  }

  /** When it was last found empty: everything that was told before has been applied, but for what was lost. */
  get emptyMs(): number {
    return this.#emptyMs;
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

  /** Reads with at most `calls` system calls, until one could have taken more. Returns the number of events. */
  read(nowMs: number, calls: number): number {
    let events = 0;
    for (let call = 0; call < calls; call++) {
      const count = this.#receive(nowMs);
      if (count > 0) events += count;
      if (count !== OVERRUN && count < MESSAGES_PER_CALL) return events;
    }
    return events;
  }

  /** Reads until a call finds nothing: neither an event nor word of a loss is left. False when it never gets there. */
  readEmpty(nowMs: number): boolean {
    for (let call = 0; call < CALLS_TO_EMPTY; call++) if (this.#receive(nowMs) === 0) return true;
    return false;
  }

  /** Closes the socket. */
  close(): void {
    this.#socket.close();
  }

  /** One system call: the number of events, or OVERRUN. */
  #receive(nowMs: number): number {
    const { clock } = this.#options;
    const beforeMs = clock();
    const count = this.#socket.receive();
    const afterMs = clock();
    if (count === OVERRUN) {
      this.#overrun(nowMs, afterMs);
      return OVERRUN;
    }
    if (count > 0) this.#apply(count, afterMs);
    if (count < MESSAGES_PER_CALL) {
      this.#emptied(beforeMs);
      this.loss.emptied(nowMs);
    }
    return count;
  }

  #apply(count: number, timeMs: number): void {
    const { netns, tracker, tap } = this.#options;
    const { block, offsets, lengths } = this.#socket;
    tracker.applyAll(netns, block, offsets, lengths, count, timeMs);
    if (tap === undefined) return;
    if (this.#tappedEmptyMs !== this.#emptyMs) tap.add(RAW.emptied, netns, this.#emptyMs);
    this.#tappedEmptyMs = this.#emptyMs;
    for (let i = 0; i < count; i++) tap.add(RAW.event, netns, timeMs, 0, block, offsets[i]!, lengths[i]!);
  }

  #emptied(timeMs: number): void {
    this.#emptyBeforeMs = this.#emptyMs;
    this.#emptyMs = timeMs;
    this.#options.tracker.emptied(this.#options.netns, timeMs);
  }

  #overrun(nowMs: number, timeMs: number): void {
    const { netns, tracker, tap } = this.#options;
    // The word of a loss ends a call as emptiness does. Then the socket was not empty: nothing is known but the time before.
    this.#emptyMs = this.#emptyBeforeMs;
    this.#tappedEmptyMs = undefined;
    tracker.emptied(netns, this.#emptyMs);
    const wanted = this.loss.lost(nowMs, this.#receiveBufferBytes);
    if (wanted > this.#receiveBufferBytes) this.#receiveBufferBytes = this.#socket.setReceiveBuffer(wanted);
    tracker.overrun(netns);
    const lost = this.#socket.drops() ?? 0;
    tap?.add(RAW.overrun, netns, timeMs, lost - this.#lostTapped);
    this.#lostTapped = lost;
    this.#onLoss(nowMs);
  }
}
