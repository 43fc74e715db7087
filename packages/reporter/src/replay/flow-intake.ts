/**
 * Conntrack's part of a capture into the flow table: events, dumps, losses. In our own recordings dumps have a beginning and an end and prove
 * what the kernel had; in those of others they are rows of which nobody knows what was asked for, and prove nothing but themselves.
 */
import type { CaptureReader, DumpRecord, EmptiedRecord, LossRecord, PacketBatch } from "@conntrail/capture";
import { PACKET } from "@conntrail/capture";
import { FlowTracker, type FlowTrackerOptions, type IngestFacts } from "@conntrail/ingest";
import type { FlowBatch, IngestHealth } from "@conntrail/model";
import { isDecodeError, MessageCursor, NETLINK_FAMILY, NLMSG_TYPE } from "@conntrail/netlink";
import { CopyFilter } from "./copy-filter.ts";

/** What is known of the file. */
export interface FlowIntakeOptions {
  /** Recorded by conntrail. */
  readonly own: boolean;
  /** Of an interface that shows an event once for each of its listeners. */
  readonly copies: boolean;
  readonly tracker: Omit<FlowTrackerOptions, "epoch" | "hashSeed">;
}

/** Feeds one flow table after the other: the next one begins where the recording ingest was restarted. */
export class FlowIntake {
  readonly #reader: CaptureReader;
  readonly #options: FlowIntakeOptions;
  readonly #copies: CopyFilter | undefined;
  /** Namespaces seen, and those with a dump under way. */
  readonly #namespaces = new Set<number>();
  readonly #dumping = new Set<number>();
  #tracker: FlowTracker;
  #epoch = 1;
  #undecodable = 0;
  #facts: IngestFacts | undefined;
  #recordedComplete = false;
  /** When the sockets are known to have been empty, in files that do not say: at the batch before the last; in those of others, at the record before. */
  #emptyMs = Number.NEGATIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  #saysEmptied = false;
  /** Messages of conntrack's in a foreign file. */
  #taken = 0;

  constructor(reader: CaptureReader, options: FlowIntakeOptions) {
    this.#reader = reader;
    this.#options = options;
    this.#copies = options.copies ? new CopyFilter() : undefined;
    this.#tracker = this.#newTracker();
  }

  /** Events left out because they were copies. */
  get copies(): number {
    return this.#copies?.copies ?? 0;
  }

  /** Messages that could not be decoded. Complete after a `flush`. */
  get undecodable(): number {
    return this.#undecodable;
  }

  /** Changes that wait for a flush. */
  get waiting(): number {
    return this.#tracker.waiting;
  }

  /** Takes packet `i` of a batch, if it is conntrack's. Nothing of the batch is kept. */
  take(batch: PacketBatch, i: number): void {
    const { netns, family } = this.#reader.sources[batch.sources[i]!]!;
    const flags = batch.flags[i]!;
    if (family !== NETLINK_FAMILY.netfilter || (flags & PACKET.outgoing) !== 0) return;
    this.#taken++;
    const offset = batch.offsets[i]!;
    const length = batch.lengths[i]!;
    const timeMs = batch.timesMs[i]!;
    if ((flags & PACKET.multicast) === 0) {
      if (!this.#options.own) this.#beginForeignDump(netns, timeMs);
      // A file of a rotated recording may begin in the middle of a dump: what its rows are to be joined with is not known.
      else if (!this.#dumping.has(netns)) return;
      this.#tracker.applyDump(netns, batch.block, offset, length, timeMs);
      if (!this.#options.own && holdsEnd(batch.block, offset, length)) this.#endForeignDump(netns);
    } else if (this.#copies?.isCopy(batch.block, offset, length) !== true) {
      if (!this.#options.own) this.#passTo(timeMs);
      if (!this.#saysEmptied) this.#tracker.emptied(netns, this.#emptyMs);
      this.#tracker.apply(netns, batch.block, offset, length, timeMs);
    }
    this.#namespaces.add(netns);
  }

  /** Takes the beginning or the end of a dump of conntrack's. */
  takeDump({ netns, timeMs, phase, tellClosed, interrupted, error }: DumpRecord): void {
    if (!this.#options.own) {
      if (phase === "begin") this.#beginForeignDump(netns, timeMs);
      else this.#endForeignDump(netns);
    } else if (phase === "begin") {
      this.#dumping.add(netns);
      this.#tracker.beginDump(netns, timeMs, { tellClosed });
    } else if (this.#dumping.delete(netns)) {
      this.#tracker.endDump(netns, { interrupted: interrupted || error !== null });
    }
    this.#namespaces.add(netns);
  }

  /** Takes word of a loss. */
  takeLoss({ cause, netns, family }: LossRecord): void {
    if (cause === "restart") {
      this.#epoch++;
      this.#tracker = this.#newTracker();
      this.#namespaces.clear();
      this.#dumping.clear();
    } else if (family === NETLINK_FAMILY.netfilter) this.#tracker.overrun(netns);
    else if (family === 0) for (const each of this.#namespaces) this.#tracker.overrun(each);
  }

  /** The events of a namespace that follow happened after this. */
  takeEmptied({ netns, timeMs }: EmptiedRecord): void {
    this.#saysEmptied = true;
    this.#tracker.emptied(netns, timeMs);
  }

  /** A namespace is watched no longer. */
  release(netns: number): void {
    this.#tracker.release(netns);
    this.#namespaces.delete(netns);
    this.#dumping.delete(netns);
  }

  /** The ingest's recorded account: what the flow table cannot know of itself. */
  takeHealth({ state, reason, advice, lost, receiveBufferBytes, completeSinceMs }: IngestHealth): void {
    this.#facts = { state, reason, advice, lost, receiveBufferBytes };
    this.#recordedComplete = completeSinceMs !== null;
  }

  /** The next batch of changes. A table with many needs several (`waiting`). */
  flush(timeMs: number, cutMs: number | null = null): FlowBatch {
    if (!this.#options.own) this.#endForeignDumps();
    // Every socket was read for each batch, some time before it was closed: surely after the one before.
    if (this.#options.own) this.#passTo(timeMs);
    const batch = this.#tracker.flush(timeMs, this.#facts, cutMs);
    this.#undecodable = batch.health.undecodable;
    if (!this.#options.own && this.#taken === this.#undecodable) {
      return { ...batch, health: { ...batch.health, ...NOTHING_READ } };
    }
    const { state, completeSinceMs } = batch.health;
    if (!this.#recordedComplete || completeSinceMs !== null || state !== "ok") return batch;
    return { ...batch, health: { ...batch.health, ...BEGUN_LATE } };
  }

  /** A later moment has come: what comes now happened after the last one. */
  #passTo(timeMs: number): void {
    if (timeMs <= this.#lastMs) return;
    this.#emptyMs = this.#lastMs;
    this.#lastMs = timeMs;
  }

  /** Rows that nobody announced are a dump until its end shows, or until the next flush. */
  #beginForeignDump(netns: number, timeMs: number): void {
    if (this.#dumping.has(netns)) return;
    this.#dumping.add(netns);
    this.#tracker.beginDump(netns, timeMs, { tellClosed: true });
  }

  #endForeignDumps(): void {
    for (const netns of this.#dumping) this.#endForeignDump(netns);
  }

  #endForeignDump(netns: number): void {
    if (this.#dumping.delete(netns)) this.#tracker.endDump(netns, { interrupted: true });
  }

  #newTracker(): FlowTracker {
    return new FlowTracker({ ...this.#options.tracker, epoch: this.#epoch });
  }
}

/** True when the end of a dump is among the messages of a datagram: what comes behind it is no part of the dump. */
function holdsEnd(block: Uint8Array, offset: number, length: number): boolean {
  const message = new MessageCursor(block).over(offset, length);
  try {
    while (message.next()) if (message.type === NLMSG_TYPE.done) return true;
  } catch (error) {
    if (!isDecodeError(error)) throw error;
  }
  return false;
}

/** A file that holds nothing of conntrack's, or nothing that could be decoded, tells of no connection that there was none. */
const NOTHING_READ = {
  state: "off",
  reason: "failed",
  advice: "no message of conntrack's could be read from the file",
} as const;

/** The recording was complete, and this file of it is not yet. */
const BEGUN_LATE = {
  state: "degraded",
  reason: "starting",
  advice: "the file begins in the middle of a recording: what was there before is known after its next dump",
} as const;
