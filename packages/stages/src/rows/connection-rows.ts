/**
 * The rows that the merge keeps, and what all of them have: what was told of a connection (tuple-rows.ts), and what was found out about its two
 * ends. Connections that only sockets showed are a flow without NAT, from the lower to the higher end.
 */
import type { Row } from "./row.ts";
import { REPLY_END, type RowEnd, SOURCE_END } from "./row-end.ts";
import { COMMON } from "./row-layout.ts";
import { TupleRows } from "./tuple-rows.ts";

/** Bits of the marks that every connection has; 1 and 2 are the store's (keyed-rows.ts), those of the tuples are in tuple-rows.ts, of the ends in row-end.ts, of flows in flow-rows.ts. */
const MARK = {
  shown: 0x10,
  swapped: 0x100,
  mapped: 0x2000,
  sockets: 0x4000,
  ruled: 0x8000,
} as const;

const PLACE =
  SOURCE_END.localMark | SOURCE_END.ownMark | REPLY_END.localMark | REPLY_END.ownMark | MARK.mapped | MARK.ruled;

/** A store of connections. */
export class ConnectionRows extends TupleRows {
  // What was found out about its ends.

  /** The opener is at the reply end. */
  isSwapped(row: Row): boolean {
    return (this.words[row + COMMON.marks]! & MARK.swapped) !== 0;
  }

  /** The end of the side that opened it. */
  opener(row: Row): RowEnd {
    return this.isSwapped(row) ? REPLY_END : SOURCE_END;
  }

  /** The other one. */
  server(row: Row): RowEnd {
    return this.isSwapped(row) ? SOURCE_END : REPLY_END;
  }

  /** Takes the other end for the opener's. */
  turn(row: Row): void {
    this.touch(row);
    this.words[row + COMMON.marks]! ^= MARK.swapped;
  }

  /** Sets what is known of the direction: indices of EVIDENCE and CONFIDENCE. */
  setDirection(row: Row, evidence: number, confidence: number, swapped: boolean): void {
    const at = row + COMMON.decision;
    const decision = ((this.words[at]! & 0xffff) | (evidence << 16) | (confidence << 24)) >>> 0;
    if (decision !== this.words[at]) this.touch(row);
    this.words[at] = decision;
    if (swapped !== this.isSwapped(row)) this.turn(row);
  }

  evidence(row: Row): number {
    return (this.words[row + COMMON.decision]! >>> 16) & 0xff;
  }

  confidence(row: Row): number {
    return this.words[row + COMMON.decision]! >>> 24;
  }

  /** What of its ends decides how it is linked, as one number. */
  linkFacts(row: Row): number {
    return (this.words[row + COMMON.marks]! & (PLACE | MARK.swapped)) | (this.confidence(row) << 24);
  }

  /** The end is on this host. */
  isLocal(row: Row, end: RowEnd): boolean {
    return (this.words[row + COMMON.marks]! & end.localMark) !== 0;
  }

  /** The end's address belongs to the row's own namespace. */
  isOwn(row: Row, end: RowEnd): boolean {
    return (this.words[row + COMMON.marks]! & end.ownMark) !== 0;
  }

  /** The addresses of the row's namespace are known. */
  isMapped(row: Row): boolean {
    return (this.words[row + COMMON.marks]! & MARK.mapped) !== 0;
  }

  /**
   * Notes where the ends are: marks that `placeMarks` gave, of both. `mapped`: the addresses of the row's namespace are known. `ruled`: a rule may give that
   * namespace what is sent to the reply end, which is on this host if a socket or a process is there.
   */
  place(row: Row, places: number, mapped: boolean, ruled: boolean): void {
    const before = this.words[row + COMMON.marks]!;
    const marks = (before & ~PLACE) | places | (mapped ? MARK.mapped : 0) | (ruled ? MARK.ruled : 0);
    if (marks === before) return;
    this.words[row + COMMON.marks] = marks;
    this.touch(row);
  }

  /** Whether an end is on this host depends on a rule. */
  isRuled(row: Row, end: RowEnd): boolean {
    return end === REPLY_END && (this.words[row + COMMON.marks]! & MARK.ruled) !== 0;
  }

  /** A socket told something about an end: it is on this host. */
  placeBySocket(row: Row, end: RowEnd): void {
    this.setMarks(row, end.localMark | MARK.sockets);
  }

  /** A socket told something about it. */
  isKnownBySockets(row: Row): boolean {
    return (this.words[row + COMMON.marks]! & MARK.sockets) !== 0;
  }

  /** The owner at an end: an id of the owner registry, 0 = none. */
  owner(row: Row, end: RowEnd): number {
    return this.words[row + end.owner]!;
  }

  /** Why there is none, or how it is known: an index of OWNER_REASON. */
  reason(row: Row, end: RowEnd): number {
    return (this.words[row + COMMON.decision]! >>> end.reasonShift) & 0xff;
  }

  setOwner(row: Row, end: RowEnd, owner: number, reason: number): void {
    const at = row + COMMON.decision;
    const decision = ((this.words[at]! & ~(0xff << end.reasonShift)) | (reason << end.reasonShift)) >>> 0;
    if (decision !== this.words[at] || owner !== this.words[row + end.owner]) this.touch(row);
    this.words[row + end.owner] = owner;
    this.words[at] = decision;
  }

  /** The interface that the socket at an end is bound to: an id of the device names, 0 = none. */
  device(row: Row, end: RowEnd): number {
    return this.words[row + end.device]!;
  }

  setDevice(row: Row, end: RowEnd, device: number): void {
    if (device === this.device(row, end)) return;
    this.words[row + end.device] = device;
    this.touch(row);
  }

  // Where it stands.

  /** It was in an earlier report. */
  isShown(row: Row): boolean {
    return (this.words[row + COMMON.marks]! & MARK.shown) !== 0;
  }

  setShown(row: Row): void {
    this.words[row + COMMON.marks]! |= MARK.shown;
  }

  /** The socket table that it was last joined with (flows) or seen in (sockets alone). */
  generation(row: Row): number {
    return this.words[row + COMMON.generation]!;
  }

  setGeneration(row: Row, generation: number): void {
    this.words[row + COMMON.generation] = generation;
  }
}
