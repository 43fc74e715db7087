/**
 * The life of each flow: what NEW, UPDATE, DESTROY and dump rows do to the table, and what the consumer is to be told of it. A
 * decoded message lies in `row`; every method speaks of the flow it names.
 *
 * A flow is told apart from an earlier one with the same tuple by its id. The kernel makes ids from memory addresses, so a
 * successor may well have the same; then a NEW tells.
 */
import {
  CT_STATUS,
  FLOW,
  FLOW_CHANGE,
  FLOW_FLAG,
  FLOW_WORDS,
  type FlowChange,
  kindProtocol,
  kindState,
} from "@conntrail/model";
import type { ChangeLog } from "./change-log.ts";
import { chooseVictims, eachLive } from "./choose-victims.ts";
import { DECODED_FIELD } from "./decode-nested.ts";
import { isClosedState } from "./flow-state.ts";
import type { FlowTable } from "./flow-table.ts";
import { completeRow, dumpFlags, isPickedUp, mergeAccounts, mergeRow } from "./merge-row.ts";
import type { NamespaceState } from "./namespace-state.ts";
import { generationOf, MARK, seenIn } from "./row-marks.ts";

const CLOSED = FLOW_FLAG.closed << 24;

/** A power of two, about a microsecond. */
const STAMP_STEP_MS = 1 / 1024;

/** Longer than a closed flow stays in the kernel's table: after that an unknown closed flow is none of the markers given up. */
const MARKER_LIFE_MS = 600_000;

/** Applies messages to the table. Never throws for any row. */
export class FlowLives {
  /** Where messages are decoded to; a view of it as doubles. */
  readonly row: Uint32Array = new Uint32Array(FLOW_WORDS);
  readonly floats: Float64Array = new Float64Array(this.row.buffer);
  /** Flows given up for want of room. */
  evicted = 0;
  /** Rows marked dead. */
  dead = 0;
  readonly #table: FlowTable;
  readonly #changes: ChangeLog;
  #lastStampMs = Number.NEGATIVE_INFINITY;
  /** Until then an unknown closed flow may be one whose closing was told, and whose marker was evicted. */
  #markersMissingUntilMs = Number.NEGATIVE_INFINITY;

  constructor(table: FlowTable, changes: ChangeLog) {
    this.#table = table;
    this.#changes = changes;
  }

  /** NEW: a flow begins. One with the same tuple has ended, unless an open dump has shown this very flow before its event. */
  begin(namespace: NamespaceState, timeMs: number): void {
    const hash = this.#table.hash(this.row);
    const slot = this.#table.find(this.row, hash);
    const flags = isPickedUp(this.row) ? FLOW_FLAG.pickedUp : 0;
    if (slot < 0) {
      this.#create(namespace, hash, timeMs, flags, true);
      return;
    }
    const marks = this.#marks(slot);
    const shown = this.#isFromOpenDump(namespace, marks);
    if (shown && this.#isSame(slot) && (marks & MARK.told) === 0) this.#merge(slot, namespace, timeMs, flags, true);
    else if (shown && this.#isSame(slot) && (marks & MARK.known) !== 0) return;
    else {
      // A dump's row that was closed, and not told for being older than the watch, was not: it begins here.
      // A dump that shows a later flow than this event's says nothing about the end of that one: more events follow.
      if (!shown && (marks & MARK.dead) === 0) this.#endUnseen(slot, FLOW_CHANGE.swept);
      this.#replace(slot, namespace, timeMs, flags, true);
    }
  }

  /** UPDATE: a flow changed. One that was never seen began unseen. */
  update(namespace: NamespaceState, timeMs: number): void {
    const hash = this.#table.hash(this.row);
    const slot = this.#table.find(this.row, hash);
    if (slot < 0) {
      if (!this.#isDying()) this.#create(namespace, hash, timeMs, FLOW_FLAG.updated, true);
      return;
    }
    const marks = this.#marks(slot);
    const same = this.#isSame(slot);
    if ((marks & MARK.dead) !== 0) {
      if (!same) this.#replace(slot, namespace, timeMs, FLOW_FLAG.updated, true);
    } else if (!same) {
      if (this.#isFromOpenDump(namespace, marks)) return; // of the flow before the one that the dump has shown
      this.#endUnseen(slot, FLOW_CHANGE.swept);
      this.#replace(slot, namespace, timeMs, FLOW_FLAG.updated, true);
    } else if ((marks & MARK.told) !== 0 && this.#isFromOpenDump(namespace, marks)) {
      // The row may be newer than this event. If its closing was told, that was right; if it was passed over as older than the watch, not.
      if ((marks & MARK.known) === 0) this.#replace(slot, namespace, timeMs, FLOW_FLAG.updated, true);
    } else if ((marks & MARK.told) !== 0 && this.#isReopened()) {
      this.#replace(slot, namespace, timeMs, FLOW_FLAG.updated, true);
    } else this.#merge(slot, namespace, timeMs, FLOW_FLAG.updated, true);
  }

  /** DESTROY: the kernel is done with a flow. Told unless its closing was told before. */
  destroy(namespace: NamespaceState, timeMs: number): void {
    const hash = this.#table.hash(this.row);
    const slot = this.#table.find(this.row, hash);
    if (slot < 0) {
      this.#destroyUnknown(namespace, hash, timeMs);
      return;
    }
    const marks = this.#marks(slot);
    if ((marks & MARK.dead) !== 0) return;
    if (!this.#isSame(slot)) {
      // In an open dump the row may be the successor's, and this flow's end was told when the successor showed.
      if (!this.#isFromOpenDump(namespace, marks)) this.#tellUnknown(namespace, timeMs);
      return;
    }
    const page = this.#table.page(slot);
    const at = this.#table.offset(slot);
    mergeRow(page, this.#table.floats(slot), at, this.row, this.floats, 0);
    this.#table.floats(slot)[(at + FLOW.lastSeenMs) >> 1] = timeMs;
    if ((marks & MARK.told) === 0) this.#changes.end(page, at, FLOW_CHANGE.destroyed, (marks & MARK.known) !== 0);
    if (namespace.dumping) this.#bury(slot, namespace);
    else this.#table.remove(slot);
  }

  /** A row of the open dump: a flow that was there when the kernel read it, perhaps some time ago. */
  show(namespace: NamespaceState, timeMs: number): void {
    const hash = this.#table.hash(this.row);
    const slot = this.#table.find(this.row, hash);
    const dying = this.#isDying();
    if (slot < 0) {
      if (!dying) this.#createFromDump(namespace, hash, timeMs);
      return;
    }
    const marks = this.#marks(slot);
    if ((marks & MARK.dead) !== 0) return;
    const same = this.#isSame(slot);
    if (generationOf(marks) === namespace.generation && (marks & MARK.byEvent) !== 0) {
      if (same && (marks & MARK.told) === 0) this.#mergeAccounts(slot);
      return;
    }
    if (dying) {
      if (same) this.#setMarks(slot, seenIn(marks, namespace.generation, false)); // its DESTROY is on its way
    } else if (!same) {
      this.#endUnseen(slot, FLOW_CHANGE.swept);
      this.#replaceFromDump(slot, namespace, timeMs);
    } else if ((marks & MARK.told) !== 0 && this.#isReopened()) this.#replaceFromDump(slot, namespace, timeMs);
    else this.#merge(slot, namespace, timeMs, FLOW_FLAG.updated, false);
  }

  /** The open dump is over. When it was complete, what neither it nor an event has shown since its beginning has ended unseen. */
  sweep(namespace: NamespaceState, complete: boolean): void {
    if (!complete && namespace.dead === 0) return;
    eachLive(this.#table, (slot) => {
      const page = this.#table.page(slot);
      const at = this.#table.offset(slot);
      if (page[at + FLOW.netns] !== namespace.netns) return;
      const marks = page[at + FLOW.count]!;
      if ((marks & MARK.dead) !== 0) this.#removeDead(slot, namespace);
      else if (complete && generationOf(marks) !== namespace.generation) {
        this.#endUnseen(slot, FLOW_CHANGE.swept);
        this.#table.remove(slot);
      }
    });
    namespace.dead = 0;
  }

  /** The namespace is watched no longer: its flows go. */
  release(namespace: NamespaceState): void {
    eachLive(this.#table, (slot) => {
      if (this.#table.page(slot)[this.#table.offset(slot) + FLOW.netns] !== namespace.netns) return;
      if ((this.#marks(slot) & MARK.dead) !== 0) this.#removeDead(slot, namespace);
      else {
        this.#endUnseen(slot, FLOW_CHANGE.released);
        this.#table.remove(slot);
      }
    });
  }

  /** A use of a service whose flows are counted only: an answer, or the end of a flow that never had one. */
  countService(decodedDestroy: boolean, timeMs: number): void {
    this.#complete(timeMs, 0);
    const status = this.row[FLOW.status]!;
    const answered = (status & CT_STATUS.seenReply) !== 0;
    const counts = decodedDestroy ? !answered : answered && (status & CT_STATUS.assured) === 0;
    if (counts) this.#changes.countService(this.row, 0);
  }

  #destroyUnknown(namespace: NamespaceState, hash: number, timeMs: number): void {
    this.#tellUnknown(namespace, timeMs);
    if (!namespace.dumping) return;
    this.#complete(timeMs, 0);
    this.#bury(this.#insert(hash, timeMs), namespace);
  }

  /** The end of a flow that is not in the table. One that was closed already is told only if its closing can have been missed. */
  #tellUnknown(namespace: NamespaceState, timeMs: number): void {
    const kind = this.row[FLOW.kind]!;
    const missed = namespace.complete && namespace.lossy && timeMs > this.#markersMissingUntilMs;
    if (isClosedState(kindProtocol(kind), kindState(kind)) && !missed) return;
    this.#complete(timeMs, 0);
    this.#changes.end(this.row, 0, FLOW_CHANGE.destroyed, false);
  }

  #create(namespace: NamespaceState, hash: number, timeMs: number, flags: number, byEvent: boolean): void {
    this.#complete(timeMs, flags);
    const slot = this.#insert(hash, timeMs);
    this.#setMarks(slot, seenIn(this.#marks(slot), namespace.generation, byEvent));
    this.#changes.mark(slot);
  }

  #createFromDump(namespace: NamespaceState, hash: number, timeMs: number): void {
    const closed = isClosedState(kindProtocol(this.row[FLOW.kind]!), kindState(this.row[FLOW.kind]!));
    const silent = closed && (!namespace.tellClosed || timeMs <= this.#markersMissingUntilMs);
    if (!silent) {
      this.#create(namespace, hash, timeMs, dumpFlags(this.row), false);
      return;
    }
    this.#complete(timeMs, dumpFlags(this.row));
    const slot = this.#insert(hash, timeMs);
    this.#setMarks(slot, seenIn(this.#marks(slot) | MARK.told, namespace.generation, false));
  }

  /** Another flow takes the slot of one that has ended and been told. */
  #replace(slot: number, namespace: NamespaceState, timeMs: number, flags: number, byEvent: boolean): void {
    const marks = this.#marks(slot);
    if ((marks & MARK.dead) !== 0) this.#uncountDead(namespace);
    this.#complete(timeMs, flags);
    const page = this.#table.page(slot);
    const at = this.#table.offset(slot);
    const hash = page[at + FLOW.reserved]!;
    for (let i = 0; i < FLOW_WORDS; i++) page[at + i] = this.row[i]!;
    page[at + FLOW.reserved] = hash;
    page[at + FLOW.count] = seenIn(marks & (MARK.live | MARK.listed), namespace.generation, byEvent);
    this.#changes.mark(slot);
  }

  #replaceFromDump(slot: number, namespace: NamespaceState, timeMs: number): void {
    this.#replace(slot, namespace, timeMs, dumpFlags(this.row), false);
  }

  #merge(slot: number, namespace: NamespaceState, timeMs: number, flags: number, byEvent: boolean): void {
    const page = this.#table.page(slot);
    const floats = this.#table.floats(slot);
    const at = this.#table.offset(slot);
    const changed = mergeRow(page, floats, at, this.row, this.floats, flags);
    const marks = seenIn(page[at + FLOW.count]!, namespace.generation, byEvent);
    page[at + FLOW.count] = marks;
    if ((marks & MARK.told) !== 0) return;
    if (!changed && !byEvent) return;
    floats[(at + FLOW.lastSeenMs) >> 1] = timeMs;
    this.#changes.mark(slot);
  }

  #mergeAccounts(slot: number): void {
    const at = this.#table.offset(slot);
    if (mergeAccounts(this.#table.floats(slot), at >> 1, this.floats, this.row[FLOW.reserved]!))
      this.#changes.mark(slot);
  }

  /** Tells the end of a row that is about to go or to be replaced, unless it was told. A closing that waited is told as such. */
  #endUnseen(slot: number, change: FlowChange): void {
    const page = this.#table.page(slot);
    const at = this.#table.offset(slot);
    const marks = page[at + FLOW.count]!;
    if ((marks & MARK.told) !== 0) return;
    const closed = (page[at + FLOW.kind]! & CLOSED) !== 0;
    this.#changes.end(page, at, closed ? FLOW_CHANGE.upsert : change, (marks & MARK.known) !== 0);
  }

  #insert(hash: number, timeMs: number): number {
    const slot = this.#table.insert(this.row, hash);
    if (slot >= 0) return slot;
    this.#evict(timeMs);
    return this.#table.insert(this.row, hash);
  }

  #evict(timeMs: number): void {
    for (const slot of chooseVictims(this.#table)) {
      const marks = this.#marks(slot);
      if ((marks & MARK.told) !== 0) this.#markersMissingUntilMs = timeMs + MARKER_LIFE_MS;
      if ((marks & MARK.dead) !== 0) this.dead--;
      else this.#endUnseen(slot, FLOW_CHANGE.evicted);
      this.#table.remove(slot);
      this.evicted++;
    }
  }

  #bury(slot: number, namespace: NamespaceState): void {
    this.#setMarks(slot, (this.#marks(slot) & ~(MARK.dirty | MARK.told | MARK.known)) | MARK.dead);
    namespace.dead++;
    this.dead++;
  }

  #removeDead(slot: number, namespace: NamespaceState): void {
    this.#uncountDead(namespace);
    this.#table.remove(slot);
  }

  #uncountDead(namespace: NamespaceState): void {
    namespace.dead--;
    this.dead--;
  }

  /** Makes the decoded message the first row of a flow. No two flows have the same first moment: consumers tell successors apart by it. */
  #complete(timeMs: number, flags: number): void {
    completeRow(this.row, this.floats, timeMs, flags);
    this.#lastStampMs = timeMs > this.#lastStampMs ? timeMs : this.#lastStampMs + STAMP_STEP_MS;
    this.floats[FLOW.firstSeenMs >> 1] = this.#lastStampMs;
  }

  /** The row was last seen in the dump that is open, and by no event since that began. */
  #isFromOpenDump(namespace: NamespaceState, marks: number): boolean {
    if ((marks & MARK.dead) !== 0) return false;
    return namespace.dumping && generationOf(marks) === namespace.generation && (marks & MARK.byEvent) === 0;
  }

  /** By id, and by the time of its beginning where the kernel keeps that (nf_conntrack_timestamp). */
  #isSame(slot: number): boolean {
    const fields = this.row[FLOW.reserved]!;
    const at = this.#table.offset(slot);
    if ((fields & DECODED_FIELD.id) !== 0 && this.#table.page(slot)[at + FLOW.id] !== this.row[FLOW.id]) return false;
    if ((fields & DECODED_FIELD.start) === 0) return true;
    const start = this.#table.floats(slot)[(at + FLOW.startMs) >> 1]!;
    return start === 0 || start === this.floats[FLOW.startMs >> 1];
  }

  #isDying(): boolean {
    return (this.row[FLOW.reserved]! & DECODED_FIELD.status) !== 0 && (this.row[FLOW.status]! & CT_STATUS.dying) !== 0;
  }

  /** A closed flow that shows an open state again (SCTP reuses its entry, TCP may): a new connection. */
  #isReopened(): boolean {
    if ((this.row[FLOW.reserved]! & DECODED_FIELD.state) === 0) return false;
    return !isClosedState(kindProtocol(this.row[FLOW.kind]!), kindState(this.row[FLOW.kind]!));
  }

  #marks(slot: number): number {
    return this.#table.page(slot)[this.#table.offset(slot) + FLOW.count]!;
  }

  #setMarks(slot: number, marks: number): void {
    this.#table.page(slot)[this.#table.offset(slot) + FLOW.count] = marks;
  }
}
