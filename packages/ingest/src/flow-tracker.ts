/**
 * From ctnetlink messages to batches of changed flows: events and dumps of any number of network namespaces go in as bytes,
 * with their time, and each flow that changed comes out once per batch in its latest state. No input or output and no clock: the ingest
 * worker, replay and tests use the same class.
 *
 * How dumps and events of a namespace are joined: the events must come from a socket that was subscribed and read empty before
 * `beginDump`, and be read empty again before `endDump`. Then they are complete for all that happens in between, and a flow that an
 * event spoke of is left alone by the dump: its rows are as old or older. A flow destroyed meanwhile stays as a dead
 * row until `endDump`, so that no older dump row brings it back. What neither the dump nor an event has shown is gone.
 */
import { EXACT_WORDS, FLOW, type FlowBatch, MASTER_WORDS } from "@conntrail/model";
import { align4 } from "@conntrail/netlink";
import { ChangeLog } from "./change-log.ts";
import { DECODED, decodeFlow } from "./decode-flow.ts";
import { beginFlow, countService, destroyFlow, releaseFlows, showFlow, sweepFlows, updateFlow } from "./flow-lives.ts";
import { type FlowPolicy, flowPolicy, VERDICT, verdict } from "./flow-policy.ts";
import { FlowSlots } from "./flow-slots.ts";
import { FlowTable } from "./flow-table.ts";
import { type FlowTrackerOptions, TRACKER_DEFAULTS } from "./flow-tracker-options.ts";
import { joinRecords } from "./masters.ts";
import { completeSince, type NamespaceState, namespaceState, nextGeneration } from "./namespace-state.ts";
import { type IngestFacts, NO_FACTS, type TrackerCounts, trackerHealth } from "./tracker-health.ts";

/** Keeps the flows of all namespaces. Bytes that cannot be decoded are counted; nothing throws because of them. */
export class FlowTracker {
  readonly #policy: FlowPolicy;
  readonly #table: FlowTable;
  readonly #changes: ChangeLog;
  readonly #slots: FlowSlots;
  readonly #namespaces = new Map<number, NamespaceState>();
  readonly #epoch: number;
  #last: NamespaceState | undefined;
  #block: Uint8Array | undefined;
  #blockOffset = 0;
  #words: Uint32Array = new Uint32Array(0);
  #firstTold = false;
  #cutMs: number | null = null;
  #new = 0;
  #update = 0;
  #destroy = 0;
  #undecodable = 0;
  #overruns = 0;
  #resyncs = 0;
  #reconciliations = 0;

  constructor(options: FlowTrackerOptions = {}) {
    const { capacity, pendingRows, aggregateRows, epoch, hashSeed } = { ...TRACKER_DEFAULTS, ...options };
    this.#policy = flowPolicy(options);
    this.#table = new FlowTable(capacity, hashSeed);
    this.#changes = new ChangeLog(this.#table, pendingRows, aggregateRows);
    this.#slots = new FlowSlots(this.#table, this.#changes);
    this.#epoch = epoch;
  }

  /** Flows in the table now. */
  get flows(): number {
    return this.#table.size - this.#slots.dead;
  }

  /** Something was ever heard of, or is in the table. */
  get hasHeard(): boolean {
    return this.#new + this.#update + this.#destroy > 0 || this.#table.size > 0;
  }

  /** True when the next `flush` gives rows. */
  get hasChanges(): boolean {
    return this.#changes.hasChanges;
  }

  /** Rows waiting for a flush. */
  get waiting(): number {
    return this.#changes.waiting;
  }

  /** Bytes that table and change list hold. */
  get bytes(): number {
    return this.#table.bytes + this.#changes.bytes;
  }

  /** The namespace's event socket was found empty at `timeMs`: what is applied from now on happened later. A loss may show that it was not empty after all: then with an earlier time. */
  emptied(netns: number, timeMs: number): void {
    this.#namespace(netns).emptyMs = timeMs;
  }

  /**
   * Applies the events in `length` bytes of `block` from `offset`: one or more whole messages of namespace
   * `netns`, received by `timeMs`. Nothing of `block` is kept. All times are of one clock that never steps.
   */
  apply(netns: number, block: Uint8Array, offset: number, length: number, timeMs: number): void {
    this.#applyMessages(this.#namespace(netns), block, offset, length, timeMs, false);
  }

  /** Applies `count` datagrams that were received at once: datagram `i` lies at `offsets[i]`, `lengths[i]` bytes long; like `apply`. */
  applyAll(
    netns: number,
    block: Uint8Array,
    offsets: Uint32Array,
    lengths: Uint32Array,
    count: number,
    timeMs: number,
  ): void {
    const namespace = this.#namespace(netns);
    for (let i = 0; i < count; i++) this.#applyMessages(namespace, block, offsets[i]!, lengths[i]!, timeMs, false);
  }

  /** Applies messages of the open dump; like `apply`. */
  applyDump(netns: number, block: Uint8Array, offset: number, length: number, timeMs: number): void {
    this.#applyMessages(this.#namespace(netns), block, offset, length, timeMs, true);
  }

  /**
   * The kernel's table is about to be dumped. The namespace's events were read empty before. `tellClosed`: whether flows that this
   * first dump finds closed are to be told, as those of a namespace found after watching began; later dumps always tell.
   */
  beginDump(netns: number, timeMs: number, options: { readonly tellClosed?: boolean } = {}): void {
    const namespace = this.#namespace(netns);
    if (namespace.dumping) sweepFlows(this.#slots, namespace, false);
    namespace.generation = nextGeneration(namespace.generation);
    namespace.dumping = true;
    namespace.disturbed = false;
    namespace.dumpStartMs = timeMs;
    if (options.tellClosed === true && !namespace.complete) namespace.late = namespace.tellClosed = true;
  }

  /**
   * The dump is over and the events after it were read empty. Returns true when it proves what the kernel has: it was not `interrupted`, and no
   * event was lost meanwhile. Then flows it did not show are swept; otherwise it should be repeated.
   */
  endDump(netns: number, options: { readonly interrupted?: boolean } = {}): boolean {
    const namespace = this.#namespace(netns);
    const complete = namespace.dumping && !namespace.disturbed && options.interrupted !== true;
    sweepFlows(this.#slots, namespace, complete);
    namespace.dumping = false;
    if (!complete) return false;
    if (namespace.complete && namespace.lossy) this.#resyncs++;
    else if (namespace.complete) this.#reconciliations++;
    namespace.completeSinceMs ??= namespace.dumpStartMs;
    namespace.complete = true;
    namespace.lossy = false;
    namespace.tellClosed = true;
    return true;
  }

  /** Events of the namespace were lost. No flow changes by that: a dump must follow, begun after the events were read empty. */
  overrun(netns: number): void {
    const namespace = this.#namespace(netns);
    this.#overruns++;
    namespace.lossy = true;
    namespace.disturbed = true;
    namespace.late = false;
    namespace.completeSinceMs = undefined;
  }

  /** The namespace is watched no longer: its flows end as `released`. */
  release(netns: number): void {
    const namespace = this.#namespaces.get(netns);
    if (namespace === undefined) return;
    releaseFlows(this.#slots, namespace);
    this.#namespaces.delete(netns);
    this.#last = undefined;
  }

  /**
   * The changes since the last flush as a batch, which the caller owns; more than 32,768 rows come in several (`hasChanges`). `facts` is
   * what the tracker cannot know of its own health. `cutMs`: what was told anywhere before this moment has been applied; the last batch of several
   * says so (FlowBatch.cutMs).
   */
  flush(timeMs: number, facts: IngestFacts = NO_FACTS, cutMs: number | null = null): FlowBatch {
    const { rows, changes, count, masters, exact } = this.#changes.take();
    if (!this.#changes.hasChanges && cutMs !== null) this.#cutMs = Math.max(this.#cutMs ?? cutMs, cutMs);
    const complete = completeSince(this.#namespaces.values());
    // The flows of the first dump may need several batches: only with the last of them is the picture whole.
    if (complete !== null && !this.#changes.hasChanges) this.#firstTold = true;
    if (!this.#changes.hasChanges) this.#table.compact();
    return {
      kind: "flows",
      timeMs,
      cutMs: this.#cutMs,
      epoch: this.#epoch,
      count,
      rows,
      changes,
      ...(masters && { masters: joinRecords(masters, MASTER_WORDS) }),
      ...(exact && { exact: joinRecords(exact, EXACT_WORDS) }),
      health: trackerHealth(facts, this.#counts(this.#firstTold ? complete : null)),
    };
  }

  #applyMessages(
    namespace: NamespaceState,
    block: Uint8Array,
    offset: number,
    length: number,
    timeMs: number,
    dump: boolean,
  ): void {
    if (block !== this.#block) this.#useBlock(block);
    const words = this.#words;
    const start = this.#blockOffset + offset;
    if ((start & 3) !== 0) {
      this.#applyMessages(namespace, block.slice(offset, offset + length), 0, length, timeMs, dump);
      return;
    }
    const end = start + length;
    for (let p = start; p < end; ) {
      const bytes = words[p >> 2]!;
      const code = decodeFlow(words, p, end - p, this.#slots.row, this.#slots.floats);
      if (code > 0) this.#applyFlow(namespace, code, timeMs, dump);
      else if (code < 0) this.#undecodable++;
      if (code === DECODED.truncated) return; // where the next one would begin is not known
      p += align4(bytes);
    }
  }

  #applyFlow(namespace: NamespaceState, code: number, timeMs: number, dump: boolean): void {
    const slots = this.#slots;
    const row = slots.row;
    row[FLOW.netns] = namespace.netns;
    const decision = verdict(this.#policy, row);
    if (!dump) this.#countEvent(code);
    if (decision === VERDICT.ignore) return;
    if (decision === VERDICT.count) {
      if (!dump) countService(slots, namespace, code === DECODED.destroy, timeMs);
      return;
    }
    if (dump) showFlow(slots, namespace, timeMs);
    else if (code === DECODED.update) updateFlow(slots, namespace, timeMs);
    else if (code === DECODED.new) beginFlow(slots, namespace, timeMs);
    else destroyFlow(slots, namespace, timeMs);
  }

  #countEvent(code: number): void {
    if (code === DECODED.update) this.#update++;
    else if (code === DECODED.new) this.#new++;
    else this.#destroy++;
  }

  #namespace(netns: number): NamespaceState {
    if (this.#last?.netns === netns) return this.#last;
    let namespace = this.#namespaces.get(netns);
    if (namespace === undefined) {
      namespace = namespaceState(netns);
      this.#namespaces.set(netns, namespace);
    }
    this.#last = namespace;
    return namespace;
  }

  /** Views the whole buffer under `block` as words: receive blocks stay the same for long. */
  #useBlock(block: Uint8Array): void {
    this.#block = block;
    this.#blockOffset = block.byteOffset;
    this.#words = new Uint32Array(block.buffer, 0, block.buffer.byteLength >> 2);
  }

  #counts(completeSinceMs: number | null): TrackerCounts {
    return {
      completeSinceMs,
      events: { new: this.#new, update: this.#update, destroy: this.#destroy },
      overruns: this.#overruns,
      resyncs: this.#resyncs,
      reconciliations: this.#reconciliations,
      undecodable: this.#undecodable,
      flows: this.flows,
      capacity: this.#table.capacity,
      evicted: this.#slots.evicted,
      aggregated: this.#changes.aggregated,
      namespaces: this.#namespaces.size,
    };
  }
}
