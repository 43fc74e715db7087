/**
 * The life of each flow: what NEW, UPDATE, DESTROY and dump rows do to the table, and what the consumer is told of it. The message at hand lies in
 * `FlowSlots.row`; every function speaks of the flow that it names. None throws for any message.
 *
 * A flow is told apart from an earlier one with the same tuple by its id. The kernel makes ids from memory addresses, so a successor may
 * well have the same; then a NEW tells. While a dump is open its rows may be older or newer than the events being read. An event is
 * never older than another event, and all events after the dump's beginning come. So what an event has touched, no row changes; what a
 * row has shown and no event has touched yet (`isShown`) may be newer than the event at hand, and more events will tell.
 */
import { CT_STATUS, FLOW, FLOW_CHANGE, FLOW_FLAG, kindProtocol, kindState } from "@conntrail/model";
import { eachLive } from "./choose-victims.ts";
import type { FlowSlots } from "./flow-slots.ts";
import { isClosedState } from "./flow-state.ts";
import { TABLE_ROW } from "./flow-table-row.ts";
import { dumpFlags, lateFlags, newFlags } from "./merge-row.ts";
import type { NamespaceState } from "./namespace-state.ts";
import { generationOf, MARK, seenIn } from "./row-marks.ts";

/** NEW: a flow begins, and one with the same tuple has ended. */
export function beginFlow(slots: FlowSlots, namespace: NamespaceState, timeMs: number): void {
  const hash = slots.table.hash(slots.row);
  const slot = slots.table.find(slots.row, hash);
  const flags = newFlags(slots.row);
  if (slot < 0) {
    slots.create(namespace, hash, timeMs, flags, true);
    return;
  }
  const marks = slots.marks(slot);
  if (isShown(namespace, marks)) {
    if (slots.isSame(slot)) {
      if ((marks & MARK.told) === 0) slots.merge(slot, namespace, timeMs, flags, true);
      // Closed when the dump showed it. If that was passed over as older than the watch, it was not: the flow begins here.
      else if ((marks & MARK.known) === 0) slots.replace(slot, namespace, timeMs, flags, true);
      return;
    }
    // Told before, so it was there before, and had no events of its own.
    if ((marks & MARK.known) !== 0) slots.endUnseen(slot, FLOW_CHANGE.swept);
  } else if ((marks & MARK.dead) === 0) slots.endUnseen(slot, FLOW_CHANGE.swept);
  slots.replace(slot, namespace, timeMs, flags, true);
}

/** UPDATE: a flow changed. One that was never seen began unseen. */
export function updateFlow(slots: FlowSlots, namespace: NamespaceState, timeMs: number): void {
  const hash = slots.table.hash(slots.row);
  const slot = slots.table.find(slots.row, hash);
  if (slot < 0) {
    if (!slots.isDying()) slots.create(namespace, hash, timeMs, lateFlags(slots.row), true);
    return;
  }
  const marks = slots.marks(slot);
  const same = slots.isSame(slot);
  let flags = lateFlags(slots.row);
  if ((marks & MARK.dead) !== 0) {
    if (same) return; // an update that lost the race against the end
  } else if (same && (marks & MARK.told) === 0 && slots.isBegunAgain(slot)) {
    slots.endUnseen(slot, FLOW_CHANGE.swept);
    flags = FLOW_FLAG.updated; // a SYN met the entry of a connection that was over, unheard: this is the beginning
  } else if (isShown(namespace, marks)) {
    if (!same) return; // of the flow before the one that the dump has shown
    if ((marks & MARK.told) === 0) {
      slots.merge(slot, namespace, timeMs, FLOW_FLAG.updated, true);
      return;
    }
    if ((marks & MARK.known) !== 0) return; // its closing, which is newer, was told
  } else if (same && !((marks & MARK.told) !== 0 && slots.isReopened())) {
    slots.merge(slot, namespace, timeMs, FLOW_FLAG.updated, true);
    return;
  } else {
    slots.endUnseen(slot, FLOW_CHANGE.swept);
    if (same) flags = FLOW_FLAG.updated; // the entry was closed and is used again: this is the beginning
  }
  slots.replace(slot, namespace, timeMs, flags, true);
}

/** DESTROY: the kernel is done with a flow. Told unless its closing was told before. */
export function destroyFlow(slots: FlowSlots, namespace: NamespaceState, timeMs: number): void {
  const hash = slots.table.hash(slots.row);
  const slot = slots.table.find(slots.row, hash);
  if (slot < 0) {
    tellUnknown(slots, namespace, timeMs);
    if (namespace.dumping) slots.createDead(namespace, hash, timeMs);
    return;
  }
  const marks = slots.marks(slot);
  if ((marks & MARK.dead) !== 0) return;
  if (!slots.isSame(slot)) {
    // What a dump has shown is this flow's successor: the end was told when that showed. Where events were lost, it may be its predecessor too.
    if (isShown(namespace, marks) || ((marks & MARK.byEvent) === 0 && !namespace.lossy)) return;
    // Its tuple was used again, unheard. Both are over: a row that stayed could be taken for a later flow that has its id by chance.
    slots.endUnseen(slot, FLOW_CHANGE.swept);
    tellUnknown(slots, namespace, timeMs);
    if (namespace.dumping) slots.replaceByDead(slot, namespace, timeMs);
    else slots.table.remove(slot);
    return;
  }
  const page = slots.table.page(slot);
  const at = slots.table.offset(slot);
  slots.finish(slot, namespace, timeMs);
  if ((marks & MARK.told) === 0) slots.changes.end(page, at, FLOW_CHANGE.destroyed, (marks & MARK.known) !== 0);
  if (namespace.dumping) slots.bury(slot, namespace);
  else slots.table.remove(slot);
}

/** A row of the open dump: a flow that was there when the kernel read it, perhaps some time ago. */
export function showFlow(slots: FlowSlots, namespace: NamespaceState, timeMs: number): void {
  const hash = slots.table.hash(slots.row);
  const slot = slots.table.find(slots.row, hash);
  if (slot < 0) {
    if (!slots.isDying()) createShown(slots, namespace, hash, timeMs);
    return;
  }
  const marks = slots.marks(slot);
  if ((marks & MARK.dead) !== 0) return;
  const same = slots.isSame(slot);
  if (generationOf(marks) === namespace.generation && (marks & MARK.byEvent) !== 0) {
    if (same && (marks & MARK.told) === 0) slots.mergeAccounts(slot);
    return;
  }
  if (slots.isDying()) {
    if (same) slots.setMarks(slot, seenIn(marks, namespace.generation, false)); // its DESTROY is on its way
  } else if (same && (marks & MARK.told) !== 0 && slots.isReopened()) {
    slots.reopen(slot, namespace, timeMs, dumpFlags(slots.row));
  } else if (same) {
    slots.merge(slot, namespace, timeMs, FLOW_FLAG.updated, false);
  } else {
    slots.endUnseen(slot, FLOW_CHANGE.swept);
    slots.replace(slot, namespace, timeMs, dumpFlags(slots.row), false);
  }
}

/** The open dump is over. When it was complete, what neither it nor an event has shown since its beginning has ended unseen. */
export function sweepFlows(slots: FlowSlots, namespace: NamespaceState, complete: boolean): void {
  if (!complete && namespace.unsettled === 0) return;
  eachOf(slots, namespace, (slot, marks) => {
    if ((marks & MARK.dead) !== 0) slots.removeDead(slot, namespace);
    else if ((marks & MARK.reopened) !== 0) slots.settle(slot);
    else if (complete && generationOf(marks) !== namespace.generation) {
      slots.endUnseen(slot, FLOW_CHANGE.swept);
      slots.table.remove(slot);
    }
  });
  namespace.unsettled = 0;
}

/** The namespace is watched no longer: its flows go. */
export function releaseFlows(slots: FlowSlots, namespace: NamespaceState): void {
  eachOf(slots, namespace, (slot, marks) => {
    if ((marks & MARK.dead) !== 0) slots.removeDead(slot, namespace);
    else {
      slots.endUnseen(slot, FLOW_CHANGE.released);
      slots.table.remove(slot);
    }
  });
}

/** A use of a service whose flows are counted only: an answer, or the end of a flow that never had one. */
export function countService(slots: FlowSlots, namespace: NamespaceState, destroyed: boolean, timeMs: number): void {
  slots.complete(namespace, timeMs, 0);
  const status = slots.row[FLOW.status]!;
  const answered = (status & CT_STATUS.seenReply) !== 0;
  const counts = destroyed ? !answered : answered && (status & CT_STATUS.assured) === 0;
  if (counts) slots.changes.countService(slots.row, 0);
}

/** The row was last seen in the dump that is open, and by no event since that began. */
function isShown(namespace: NamespaceState, marks: number): boolean {
  if (!namespace.dumping || (marks & (MARK.dead | MARK.byEvent)) !== 0) return false;
  return generationOf(marks) === namespace.generation;
}

/**
 * The end of a flow that is not in the table. One that was closed already is told only if its closing can have been missed: where events were lost, and
 * where no dump ever began, as in a log that holds nothing but the ends.
 */
function tellUnknown(slots: FlowSlots, namespace: NamespaceState, timeMs: number): void {
  const missed = (namespace.complete ? namespace.lossy : !namespace.dumping) && timeMs > slots.markersMissingUntilMs;
  if (isClosed(slots.row) && !missed) return;
  slots.complete(namespace, timeMs, lateFlags(slots.row) & ~FLOW_FLAG.updated);
  slots.changes.end(slots.row, 0, FLOW_CHANGE.destroyed, false);
}

function createShown(slots: FlowSlots, namespace: NamespaceState, hash: number, timeMs: number): void {
  const flags = dumpFlags(slots.row);
  const silent = isClosed(slots.row) && (!namespace.tellClosed || timeMs <= slots.markersMissingUntilMs);
  if (silent) slots.createTold(namespace, hash, timeMs, flags);
  else slots.create(namespace, hash, timeMs, flags, false);
}

function isClosed(row: Uint32Array): boolean {
  const kind = row[FLOW.kind]!;
  return isClosedState(kindProtocol(kind), kindState(kind), row[FLOW.status]!);
}

function eachOf(slots: FlowSlots, namespace: NamespaceState, visit: (slot: number, marks: number) => void): void {
  eachLive(slots.table, (slot) => {
    const page = slots.table.page(slot);
    const at = slots.table.offset(slot);
    if (page[at + FLOW.netns] === namespace.netns) visit(slot, page[at + TABLE_ROW.marks]!);
  });
}
