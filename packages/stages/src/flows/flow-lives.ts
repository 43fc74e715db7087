/** What became of a flow, and of its sockets: the part of a flow's row that the merge fills in as it learns (flow-rows.ts has the rest). */
import { ConnectionRows } from "../rows/connection-rows.ts";
import type { Row } from "../rows/row.ts";
import type { RowEnd } from "../rows/row-end.ts";
import { COMMON, FLOW_OWN } from "../rows/row-layout.ts";

/** Bits of the marks that only flows have; 0x40000 is in flow-rows.ts. */
const MARK = {
  closed: 4,
  told: 8,
  endUnseen: 0x20,
  entryless: 0x10000,
  shared: 0x20000,
  missed: 0x80000,
  stale: 0x100000,
} as const;

/** Flows by their lives. */
export class FlowLives extends ConnectionRows {
  /** Its end is known. */
  isClosed(row: Row): boolean {
    return (this.words[row + COMMON.marks]! & MARK.closed) !== 0;
  }

  /** It is closed, but nobody saw how. */
  isEndUnseen(row: Row): boolean {
    return (this.words[row + COMMON.marks]! & MARK.endUnseen) !== 0;
  }

  /** Its end was told: never emitted again. */
  isTold(row: Row): boolean {
    return (this.words[row + COMMON.marks]! & MARK.told) !== 0;
  }

  close(row: Row, closedMs: number, unseen: boolean): void {
    this.setMarks(row, unseen ? MARK.closed | MARK.endUnseen : MARK.closed);
    this.doubles[(row + FLOW_OWN.closedMs) >> 1] = closedMs;
  }

  /** A closed row whose end nobody saw had ended by this moment. */
  closeBy(row: Row, latestMs: number): void {
    if (this.isEndUnseen(row) && this.closedMs(row) > latestMs) this.doubles[(row + FLOW_OWN.closedMs) >> 1] = latestMs;
  }

  /** `upToMs`: what began later is no part of what was told: it had ended by then, or the beginnings of all its members were known. */
  setTold(row: Row, upToMs: number): void {
    this.words[row + COMMON.marks]! |= MARK.told;
    this.doubles[(row + FLOW_OWN.toldUpToMs) >> 1] = upToMs;
  }

  /** What began after this moment is no part of what was told. */
  toldUpToMs(row: Row): number {
    return this.doubles[(row + FLOW_OWN.toldUpToMs) >> 1]!;
  }

  /** It is to be told again: as another connection, since its last one was told as over. */
  untell(row: Row): void {
    this.unmark(row, MARK.told);
    this.renew(row);
  }

  /** When a closed row ended; when nobody saw its end, the latest moment that it can have been. */
  closedMs(row: Row): number {
    return this.doubles[(row + FLOW_OWN.closedMs) >> 1]!;
  }

  /** Its entry is gone, and nothing says that the connection is: its sockets are to tell. */
  isEntryless(row: Row): boolean {
    return (this.words[row + COMMON.marks]! & MARK.entryless) !== 0;
  }

  /** Its entry was gone by `goneMs`. */
  loseEntry(row: Row, goneMs: number): void {
    this.setMarks(row, MARK.entryless);
    this.doubles[(row + FLOW_OWN.closedMs) >> 1] = goneMs;
  }

  /** By when the entry of an entryless row was gone. */
  goneMs(row: Row): number {
    return this.doubles[(row + FLOW_OWN.closedMs) >> 1]!;
  }

  /** A table showed a socket at the end; the latest one need not. */
  hadSocket(row: Row, end: RowEnd): boolean {
    return (this.words[row + COMMON.marks]! & end.socketMark) !== 0;
  }

  /** Notes that a table showed, or still shows, a socket at the end. */
  noteSocket(row: Row, end: RowEnd): void {
    this.words[row + COMMON.marks]! |= end.socketMark;
  }

  /** Two tables in a row lacked the sockets of its connection, though the entry is open (closings/stale-entries.ts). */
  isStale(row: Row): boolean {
    return (this.words[row + COMMON.marks]! & MARK.stale) !== 0;
  }

  /** One more table lacks its sockets: with the second it is stale. */
  missSockets(row: Row): void {
    const missed = (this.words[row + COMMON.marks]! & MARK.missed) !== 0;
    this.setMarks(row, missed ? MARK.stale : MARK.missed);
  }

  /** Its connection has a socket after all. */
  meetSockets(row: Row): void {
    if (this.isStale(row)) this.touch(row);
    this.unmark(row, MARK.missed | MARK.stale);
  }

  /** Several connections share its entry, and each is told by another row. */
  isShared(row: Row): boolean {
    return (this.words[row + COMMON.marks]! & MARK.shared) !== 0;
  }

  setShared(row: Row): void {
    this.setMarks(row, MARK.shared);
  }

  /** When it ended, or Infinity. */
  endMs(row: Row): number {
    return this.isClosed(row) ? this.closedMs(row) : Number.POSITIVE_INFINITY;
  }

  /** When sockets first showed the connection; 0: not before the flow. */
  sinceMs(row: Row): number {
    return this.doubles[(row + FLOW_OWN.sinceMs) >> 1]!;
  }

  /** A connection is as old as the first thing that showed it. 0: nothing did. */
  noteSince(row: Row, sinceMs: number): void {
    const known = this.sinceMs(row);
    if (sinceMs === 0 || (known !== 0 && sinceMs >= known)) return;
    this.doubles[(row + FLOW_OWN.sinceMs) >> 1] = sinceMs;
    this.touch(row);
  }

  /** Its place among all flows that were told of, in the order of their telling: of two in one namespace the later one began later. */
  born(row: Row): number {
    return this.words[row + FLOW_OWN.born]!;
  }

  setBorn(row: Row, born: number): void {
    this.words[row + FLOW_OWN.born] = born;
  }

  /** The life of the ingest that last spoke of it. */
  epoch(row: Row): number {
    return this.words[row + FLOW_OWN.epoch]!;
  }

  setEpoch(row: Row, epoch: number): void {
    this.words[row + FLOW_OWN.epoch] = epoch;
  }
}
