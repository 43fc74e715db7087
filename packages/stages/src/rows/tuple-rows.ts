/**
 * Rows with the tuples and facts of a flow: what was told of a connection, and what follows from its tuples alone. Here and in the
 * classes derived from this one (connection-rows.ts, flow-rows.ts, pair-rows.ts) it is known where a field lies, and nowhere else.
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
import { type RowEnd, SOURCE_END } from "./row-end.ts";
import { COMMON } from "./row-layout.ts";
import { replyHash } from "./tuple-hash.ts";

/** Bits of the marks that say what the tuples are. */
const MARK = { translated: 0x40, loopback: 0x80 } as const;

/** A store of such rows. */
export class TupleRows extends KeyedRows {
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

  /** What was last seen of it happened after this moment, and by lastSeenMs; -Infinity: nobody knows. */
  lastAfterMs(row: Row): number {
    return this.doubles[(row + FLOW.lastAfterMs) >> 1]!;
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

  /** True when its original tuple is that of two addresses, one after the other in `words`, and ports (source << 16 | destination). */
  isOriginal(row: Row, words: Uint32Array, addresses: number, ports: number): boolean {
    return (
      this.words[row + FLOW.originalPorts] === ports &&
      sameAddress(this.words, row + FLOW.originalSource, words, addresses) &&
      sameAddress(this.words, row + FLOW.originalDestination, words, addresses + ADDRESS_WORDS)
    );
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
}
