/**
 * The rows that the merge keeps, and what all of them have: the tuples and facts of a flow, and what was found out about its two ends. Connections that only sockets showed are a flow without NAT, from the lower to the higher end. Here and in the
 * classes derived from this one (flow-rows.ts, pair-rows.ts) it is known where a field lies, and nowhere else.
 */
import {
  ADDRESS_WORDS,
  FLOW,
  FLOW_FLAG,
  isIcmp,
  isLoopback,
  kindFamily,
  kindFlags,
  kindProtocol,
  sameAddress,
} from "@conntrail/model";
import { KeyedRows } from "./keyed-rows.ts";
import type { Row } from "./row.ts";
import { REPLY_END, type RowEnd, SOURCE_END } from "./row-end.ts";
import { COMMON } from "./row-layout.ts";
import { replyHash } from "./tuple-hash.ts";

/** Bits of the marks that every connection has; 1 and 2 are the store's (keyed-rows.ts), those of the ends are in row-end.ts, those of flows in flow-rows.ts. */
const MARK = {
  shown: 0x10,
  translated: 0x40,
  loopback: 0x80,
  swapped: 0x100,
  mapped: 0x2000,
  sockets: 0x4000,
} as const;

const PLACE = SOURCE_END.localMark | SOURCE_END.ownMark | REPLY_END.localMark | REPLY_END.ownMark | MARK.mapped;

/** A store of connections. */
export class ConnectionRows extends KeyedRows {
  // What was told of it.

  /** Protocol, family, state and flags in one (flow-row.ts of the model). */
  kind(row: Row): number {
    return this.words[row + FLOW.kind]!;
  }

  protocol(row: Row): number {
    return kindProtocol(this.words[row + FLOW.kind]!);
  }

  family(row: Row): number {
    return kindFamily(this.words[row + FLOW.kind]!);
  }

  zone(row: Row): number {
    return this.words[row + FLOW.zone]!;
  }

  /** The namespace that reported it. */
  netns(row: Row): number {
    return this.words[row + FLOW.netns]!;
  }

  /** CT_STATUS bits. */
  status(row: Row): number {
    return this.words[row + FLOW.status]!;
  }

  mark(row: Row): number {
    return this.words[row + FLOW.mark]!;
  }

  /** Connections that it stands for. */
  count(row: Row): number {
    return this.words[row + FLOW.count]!;
  }

  firstSeenMs(row: Row): number {
    return this.doubles[(row + FLOW.firstSeenMs) >> 1]!;
  }

  lastSeenMs(row: Row): number {
    return this.doubles[(row + FLOW.lastSeenMs) >> 1]!;
  }

  /** It began after this moment, and by the one at which it was first seen; -Infinity: nobody knows. */
  beganAfterMs(row: Row): number {
    return this.doubles[(row + FLOW.beganAfterMs) >> 1]!;
  }

  /** By the kernel's own clock; 0: it does not say. */
  startMs(row: Row): number {
    return this.doubles[(row + FLOW.startMs) >> 1]!;
  }

  /** What was sent from an end; -1: not counted. */
  packets(row: Row, end: RowEnd): number {
    return this.doubles[(row + (end === SOURCE_END ? FLOW.originalPackets : FLOW.replyPackets)) >> 1]!;
  }

  bytes(row: Row, end: RowEnd): number {
    return this.doubles[(row + (end === SOURCE_END ? FLOW.originalBytes : FLOW.replyBytes)) >> 1]!;
  }

  /** Conntrack met it in the middle of its stream: original and reply may be swapped. */
  isPickedUp(row: Row): boolean {
    return (kindFlags(this.kind(row)) & FLOW_FLAG.pickedUp) !== 0;
  }

  /** Its first event was not seen: it is older than it looks. */
  beganUnseen(row: Row): boolean {
    return (kindFlags(this.kind(row)) & (FLOW_FLAG.fromDump | FLOW_FLAG.beganUnseen)) !== 0;
  }

  isAggregated(row: Row): boolean {
    return (kindFlags(this.kind(row)) & FLOW_FLAG.aggregated) !== 0;
  }

  // Its tuples.

  /** Where an end's address lies in `words`. */
  address(row: Row, end: RowEnd): number {
    return row + end.address;
  }

  /** Where the address lies that an end sends to. */
  peer(row: Row, end: RowEnd): number {
    return row + end.peer;
  }

  /** Both ports as an end has them, own << 16 | the other's. */
  ports(row: Row, end: RowEnd): number {
    return this.words[row + end.ports]!;
  }

  port(row: Row, end: RowEnd): number {
    return this.words[row + end.ports]! >>> 16;
  }

  /** True for a flow whose ends are one and the same: a socket that is connected to itself. */
  isToItself(row: Row): boolean {
    const { words } = this;
    const ports = words[row + FLOW.originalPorts]!;
    if (ports >>> 16 !== (ports & 0xffff)) return false;
    return sameAddress(words, row + FLOW.originalSource, words, row + FLOW.originalDestination);
  }

  /** The ports that it leaves its namespace with, source << 16 | destination. */
  exitPorts(row: Row): number {
    const reply = this.words[row + FLOW.replyPorts]!;
    if (!isIcmp(this.protocol(row))) return ((reply << 16) | (reply >>> 16)) >>> 0;
    return ((reply & 0xffff0000) | (this.words[row + FLOW.originalPorts]! & 0xffff)) >>> 0;
  }

  /** The hash of the tuple that an end sends with. */
  hashAt(row: Row, end: RowEnd): number {
    return end === SOURCE_END || !this.isTranslated(row) ? this.hash(row) : replyHash(this.words, row);
  }

  /** Notes what follows from the tuples alone. */
  markTuples(row: Row): void {
    const { words } = this;
    this.unmark(row, MARK.translated | MARK.loopback);
    if (this.#leavesOtherwise(row)) this.setMarks(row, MARK.translated);
    const loops =
      isLoopback(words, row + FLOW.originalSource) ||
      isLoopback(words, row + FLOW.originalDestination) ||
      isLoopback(words, row + FLOW.replySource) ||
      isLoopback(words, row + FLOW.replyDestination);
    if (loops) this.setMarks(row, MARK.loopback);
  }

  #leavesOtherwise(row: Row): boolean {
    const { words } = this;
    for (let i = 0; i < ADDRESS_WORDS; i++) {
      const at = row + i;
      if (words[at + FLOW.originalSource] !== words[at + FLOW.replyDestination]) return true;
      if (words[at + FLOW.originalDestination] !== words[at + FLOW.replySource]) return true;
    }
    return this.exitPorts(row) !== words[row + FLOW.originalPorts];
  }

  /** It leaves its namespace with another tuple than it came with. */
  isTranslated(row: Row): boolean {
    return (this.words[row + COMMON.marks]! & MARK.translated) !== 0;
  }

  /** An address of 127.0.0.0/8 or ::1 is part of it. */
  isLoopback(row: Row): boolean {
    return (this.words[row + COMMON.marks]! & MARK.loopback) !== 0;
  }

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
    this.words[row + COMMON.marks]! ^= MARK.swapped;
  }

  /** Sets what is known of the direction: indices of EVIDENCE and CONFIDENCE. */
  setDirection(row: Row, evidence: number, confidence: number, swapped: boolean): void {
    const at = row + COMMON.decision;
    this.words[at] = ((this.words[at]! & 0xffff) | (evidence << 16) | (confidence << 24)) >>> 0;
    if (swapped !== this.isSwapped(row)) this.turn(row);
  }

  evidence(row: Row): number {
    return (this.words[row + COMMON.decision]! >>> 16) & 0xff;
  }

  confidence(row: Row): number {
    return this.words[row + COMMON.decision]! >>> 24;
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

  /** Forgets where the ends are. */
  unplace(row: Row, mapped: boolean): void {
    this.unmark(row, PLACE);
    if (mapped) this.setMarks(row, MARK.mapped);
  }

  /** The end is on this host, perhaps in the row's own namespace. */
  place(row: Row, end: RowEnd, own: boolean): void {
    this.setMarks(row, own ? end.localMark | end.ownMark : end.localMark);
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
    this.words[row + end.owner] = owner;
    const at = row + COMMON.decision;
    this.words[at] = (this.words[at]! & ~(0xff << end.reasonShift)) | (reason << end.reasonShift);
  }

  // Where it stands.

  /** It was in an earlier report. */
  isShown(row: Row): boolean {
    return (this.words[row + COMMON.marks]! & MARK.shown) !== 0;
  }

  setShown(row: Row): void {
    this.setMarks(row, MARK.shown);
  }

  /** The socket table that it was last joined with (flows) or seen in (sockets alone). */
  generation(row: Row): number {
    return this.words[row + COMMON.generation]!;
  }

  setGeneration(row: Row, generation: number): void {
    this.words[row + COMMON.generation] = generation;
  }
}
