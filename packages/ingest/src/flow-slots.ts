/**
 * What can be done with a row of the flow table while a decoded message lies in `row`: make, replace, merge, bury, and tell its end; with the marks
 * and the bookkeeping that belong to each. When to do which is said in flow-lives.ts.
 */
import {
  CT_STATUS,
  CT_TCP_STATE,
  FLOW,
  FLOW_CHANGE,
  FLOW_FLAG,
  FLOW_WORDS,
  type FlowChange,
  kindFlags,
  kindProtocol,
  kindState,
  PROTOCOL,
} from "@conntrail/model";
import type { ChangeLog } from "./change-log.ts";
import { chooseVictims } from "./choose-victims.ts";
import { DECODED_FIELD } from "./decode-nested.ts";
import { isClosedState } from "./flow-state.ts";
import type { FlowTable } from "./flow-table.ts";
import { MESSAGE_ROW, MESSAGE_ROW_WORDS, TABLE_ROW } from "./flow-table-row.ts";
import { completeRow, mergeAccounts, mergeRow } from "./merge-row.ts";
import type { NamespaceState } from "./namespace-state.ts";
import { MARK, seenIn } from "./row-marks.ts";

const CLOSED = FLOW_FLAG.closed << 24;

/** A power of two, about a microsecond. */
const STAMP_STEP_MS = 1 / 1024;

/** Longer than a closed flow stays in the kernel's table: after that an unknown closed flow is none of the markers given up. */
const MARKER_LIFE_MS = 600_000;

/** The rows of a table, and the message at hand. */
export class FlowSlots {
  /** Where messages are decoded to (MESSAGE_ROW); a view of it as doubles. */
  readonly row: Uint32Array = new Uint32Array(MESSAGE_ROW_WORDS);
  readonly floats: Float64Array = new Float64Array(this.row.buffer);
  readonly table: FlowTable;
  readonly changes: ChangeLog;
  /** Flows given up for want of room. */
  evicted = 0;
  /** Rows marked dead. */
  dead = 0;
  /** Until then an unknown closed flow may be one whose closing was told, and whose marker was given up. */
  markersMissingUntilMs: number = Number.NEGATIVE_INFINITY;
  #serial = 0;
  /** One double, in an array: a field would be a new number on the heap for each flow. */
  readonly #lastStampMs: Float64Array = Float64Array.of(Number.NEGATIVE_INFINITY);

  constructor(table: FlowTable, changes: ChangeLog) {
    this.table = table;
    this.changes = changes;
  }

  /** Makes the message's flow, which the table does not have, and tells it. `byEvent`: seen by an event, not by a dump. */
  create(namespace: NamespaceState, hash: number, timeMs: number, flags: number, byEvent: boolean): void {
    this.complete(namespace, timeMs, flags);
    const slot = this.#insert(hash, timeMs);
    this.setMarks(slot, seenIn(this.marks(slot), namespace.generation, byEvent));
    this.changes.mark(slot);
  }

  /** The same for a flow whose closing is not to be told. */
  createTold(namespace: NamespaceState, hash: number, timeMs: number, flags: number): void {
    this.complete(namespace, timeMs, flags);
    const slot = this.#insert(hash, timeMs);
    this.setMarks(slot, seenIn(this.marks(slot) | MARK.told, namespace.generation, false));
  }

  /** The same for a flow that has ended already: kept until the end of the dump. */
  createDead(namespace: NamespaceState, hash: number, timeMs: number): void {
    this.complete(namespace, timeMs, 0);
    this.bury(this.#insert(hash, timeMs), namespace);
  }

  /** Another flow, which has ended as well, takes the slot until the end of the dump. */
  replaceByDead(slot: number, namespace: NamespaceState, timeMs: number): void {
    this.#overwrite(slot, namespace, timeMs, 0, true);
    this.bury(slot, namespace);
  }

  /** A row whose closing was told holds a new flow: told when the dump ends, if no event of either comes before. */
  reopen(slot: number, namespace: NamespaceState, timeMs: number, flags: number): void {
    this.#overwrite(slot, namespace, timeMs, flags, false);
    this.setMarks(slot, this.marks(slot) | MARK.told | MARK.reopened);
    namespace.unsettled++;
  }

  /** Such a row is told. */
  settle(slot: number): void {
    this.setMarks(slot, this.marks(slot) & ~(MARK.told | MARK.reopened));
    this.changes.mark(slot);
  }

  /** Another flow takes the slot of one that has ended and been told. */
  replace(slot: number, namespace: NamespaceState, timeMs: number, flags: number, byEvent: boolean): void {
    this.#overwrite(slot, namespace, timeMs, flags, byEvent);
    this.changes.mark(slot);
  }

  /** Puts the message into the row of its own flow. Events are always told, dump rows when they change something. */
  merge(slot: number, namespace: NamespaceState, timeMs: number, flags: number, byEvent: boolean): void {
    const page = this.table.page(slot);
    const floats = this.table.floats(slot);
    const at = this.table.offset(slot);
    const ended = (page[at + FLOW.kind]! & CLOSED) !== 0;
    const merged = mergeRow(page, floats, at, this.row, this.floats, flags);
    const serial = page[at + FLOW.serial]!;
    this.changes.exact.note(serial, this.row, this.floats);
    const changed = this.#noteMaster(serial) || merged;
    const marks = seenIn(page[at + TABLE_ROW.marks]!, namespace.generation, byEvent);
    page[at + TABLE_ROW.marks] = marks;
    if ((marks & MARK.told) !== 0) return;
    if (!changed && !byEvent) return;
    if (!ended) {
      // A dump does not tell since when; what it shows is later than what was seen before.
      if (byEvent) floats[(at + FLOW.lastAfterMs) >> 1] = namespace.emptyMs;
      floats[(at + FLOW.lastSeenMs) >> 1] = timeMs;
    }
    this.changes.mark(slot);
  }

  /** Puts the message, the last of its flow, into the row. */
  finish(slot: number, namespace: NamespaceState, timeMs: number): void {
    const page = this.table.page(slot);
    const floats = this.table.floats(slot);
    const at = this.table.offset(slot);
    const ended = (page[at + FLOW.kind]! & CLOSED) !== 0;
    mergeRow(page, floats, at, this.row, this.floats, 0);
    this.changes.exact.note(page[at + FLOW.serial]!, this.row, this.floats);
    if (ended) return; // nothing is later than its end
    floats[(at + FLOW.lastAfterMs) >> 1] = namespace.emptyMs;
    floats[(at + FLOW.lastSeenMs) >> 1] = timeMs;
  }

  /** Takes over only what events do not tell: counters and timestamps. */
  mergeAccounts(slot: number): void {
    const at = this.table.offset(slot);
    this.changes.exact.note(this.table.page(slot)[at + FLOW.serial]!, this.row, this.floats);
    if (mergeAccounts(this.table.floats(slot), at >> 1, this.floats, this.row[MESSAGE_ROW.fields]!))
      this.changes.mark(slot);
  }

  /** Tells the end of a row that is about to go or to be replaced, unless it was told. A closing that waited is told as such. */
  endUnseen(slot: number, change: FlowChange): void {
    const page = this.table.page(slot);
    const at = this.table.offset(slot);
    const marks = page[at + TABLE_ROW.marks]!;
    if ((marks & MARK.told) !== 0) return;
    const closed = (page[at + FLOW.kind]! & CLOSED) !== 0;
    this.changes.end(page, at, closed ? FLOW_CHANGE.upsert : change, (marks & MARK.known) !== 0);
  }

  #overwrite(slot: number, namespace: NamespaceState, timeMs: number, flags: number, byEvent: boolean): void {
    const marks = this.marks(slot);
    if ((marks & MARK.dead) !== 0) this.#uncountDead(namespace);
    this.complete(namespace, timeMs, flags);
    const page = this.table.page(slot);
    const at = this.table.offset(slot);
    for (let i = 0; i < FLOW_WORDS; i++) page[at + i] = this.row[i]!;
    page[at + TABLE_ROW.marks] = seenIn(marks & (MARK.live | MARK.listed), namespace.generation, byEvent);
  }

  /** Puts the completed row into the table, where something is given up if need be. Returns its slot. */
  #insert(hash: number, timeMs: number): number {
    const slot = this.table.insert(this.row, hash);
    if (slot >= 0) return slot;
    this.#evict(timeMs);
    return this.table.insert(this.row, hash);
  }

  #evict(timeMs: number): void {
    for (const slot of chooseVictims(this.table)) {
      const marks = this.marks(slot);
      if ((marks & MARK.told) !== 0) this.markersMissingUntilMs = timeMs + MARKER_LIFE_MS;
      if ((marks & MARK.dead) !== 0) this.dead--;
      else this.endUnseen(slot, FLOW_CHANGE.evicted);
      this.table.remove(slot);
      this.evicted++;
    }
  }

  /** Keeps the row of a flow that has ended, until the end of the dump. */
  bury(slot: number, namespace: NamespaceState): void {
    this.setMarks(slot, (this.marks(slot) & ~(MARK.dirty | MARK.told | MARK.known)) | MARK.dead);
    namespace.unsettled++;
    this.dead++;
  }

  /** Removes such a row. */
  removeDead(slot: number, namespace: NamespaceState): void {
    this.#uncountDead(namespace);
    this.table.remove(slot);
  }

  #uncountDead(namespace: NamespaceState): void {
    namespace.unsettled--;
    this.dead--;
  }

  /** Makes the decoded message the first row of a flow: the next one by number. No two have the same first moment either. */
  complete(namespace: NamespaceState, timeMs: number, flags: number): void {
    completeRow(this.row, this.floats, namespace, timeMs, flags);
    this.row[FLOW.serial] = this.#serial = (this.#serial + 1) >>> 0;
    const lastMs = this.#lastStampMs[0]!;
    this.floats[FLOW.firstSeenMs >> 1] = this.#lastStampMs[0] = timeMs > lastMs ? timeMs : lastMs + STAMP_STEP_MS;
    this.#noteMaster(this.#serial);
    this.changes.exact.note(this.#serial, this.row, this.floats);
  }

  /** Keeps who announced the message's flow, where it says so. True when that is news. */
  #noteMaster(serial: number): boolean {
    if ((this.row[MESSAGE_ROW.fields]! & DECODED_FIELD.master) === 0) return false;
    return this.changes.masters.note(serial, this.row);
  }

  /** True when the message is of the row's flow and not of another with the same tuple: by id, and by the time of its beginning where the kernel keeps that. */
  isSame(slot: number): boolean {
    const fields = this.row[MESSAGE_ROW.fields]!;
    const at = this.table.offset(slot);
    if ((fields & DECODED_FIELD.id) !== 0 && this.table.page(slot)[at + FLOW.id] !== this.row[FLOW.id]) return false;
    if ((fields & DECODED_FIELD.start) === 0) return true;
    const start = this.table.floats(slot)[(at + FLOW.startMs) >> 1]!;
    return start === 0 || start === this.floats[FLOW.startMs >> 1];
  }

  /** The message is of a flow that the kernel is about to destroy. */
  isDying(): boolean {
    return (
      (this.row[MESSAGE_ROW.fields]! & DECODED_FIELD.status) !== 0 && (this.row[FLOW.status]! & CT_STATUS.dying) !== 0
    );
  }

  /** The message shows an open state. Of a closed flow's entry (SCTP reuses it, TCP may): a new connection. */
  isReopened(): boolean {
    if ((this.row[MESSAGE_ROW.fields]! & DECODED_FIELD.state) === 0) return false;
    const kind = this.row[FLOW.kind]!;
    return !isClosedState(kindProtocol(kind), kindState(kind), CT_STATUS.seenReply);
  }

  /**
   * The message tells of a handshake in the entry of an established TCP connection: both of its ends had forgotten that one, so the kernel uses the entry
   * again, without a NEW (the SYN/ACK after TCP_CONNTRACK_IGNORE, nf_conntrack_proto_tcp.c). The entry is assured, as in no first handshake.
   */
  isBegunAgain(slot: number): boolean {
    const kind = this.row[FLOW.kind]!;
    if (kindProtocol(kind) !== PROTOCOL.tcp || kindState(kind) !== CT_TCP_STATE.synRecv) return false;
    if ((this.row[MESSAGE_ROW.fields]! & DECODED_FIELD.status) === 0) return false;
    if ((this.row[FLOW.status]! & CT_STATUS.assured) === 0) return false;
    return (kindFlags(this.table.page(slot)[this.table.offset(slot) + FLOW.kind]!) & FLOW_FLAG.established) !== 0;
  }

  /** The marks of a row (row-marks.ts). */
  marks(slot: number): number {
    return this.table.page(slot)[this.table.offset(slot) + TABLE_ROW.marks]!;
  }

  /** Replaces them. */
  setMarks(slot: number, marks: number): void {
    this.table.page(slot)[this.table.offset(slot) + TABLE_ROW.marks] = marks;
  }
}
