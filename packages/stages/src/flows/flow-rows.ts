/** Rows of flows that conntrack told of. Only this file and flow-lives.ts know where what flows have beside other connections lies. */
import { addCounter, FLOW, FLOW_FLAG, FLOW_WORDS, kindFlags, sameAddress } from "@conntrail/model";
import {
  addEntry,
  createHashIndex,
  entryValue,
  firstEntry,
  type HashIndex,
  nextEntry,
  removeEntry,
} from "../rows/hash-index.ts";
import type { Row } from "../rows/row.ts";
import { REPLY_END, type RowEnd, SOURCE_END } from "../rows/row-end.ts";
import { COMMON, FLOW_OWN } from "../rows/row-layout.ts";
import { replyHash } from "../rows/tuple-hash.ts";
import { FlowLives } from "./flow-lives.ts";

/** Bits of the marks beside those of its life (flow-lives.ts). */
const MARK = { continued: 0x40000 } as const;

const LEARNT_LATE = FLOW_FLAG.fromDump | FLOW_FLAG.beganUnseen;

/** What stays true of a flow although a later look at it does not show it. */
const STICKY = FLOW_FLAG.updated | FLOW_FLAG.replied | FLOW_FLAG.established | FLOW_FLAG.pickedUp;

const COUNTERS = [FLOW.originalPackets, FLOW.originalBytes, FLOW.replyPackets, FLOW.replyBytes] as const;

/** A store of flows. */
export class FlowRows extends FlowLives {
  readonly #exits: HashIndex = createHashIndex(0);
  /** Who announced a row (master-record.ts of the model): few have one. */
  readonly masters: Map<Row, Uint32Array> = new Map();
  /** Counters beyond 2^53 (exact-record.ts of the model). */
  readonly exact: Map<Row, Uint32Array> = new Map();
  readonly #doubts: Map<Row, number> = new Map();

  // What conntrack says.

  /** Takes over a later state of the same flow. True when its reply tuple is another one: it hardly ever is, and the original is the key. */
  update(row: Row, words: Uint32Array, offset: number): boolean {
    const firstSeenMs = this.firstSeenMs(row);
    const beganAfterMs = this.beganAfterMs(row);
    const flags = kindFlags(this.kind(row));
    const sameReply = this.#hasReply(row, words, offset);
    this.touch(row);
    if (sameReply) for (let i = FLOW.kind; i < FLOW_WORDS; i++) this.words[row + i] = words[offset + i]!;
    else this.copy(row, words, offset);
    if (this.firstSeenMs(row) !== firstSeenMs) {
      // The same flow, learnt again: what was seen of it before still holds.
      this.doubles[(row + FLOW.firstSeenMs) >> 1] = firstSeenMs;
      this.doubles[(row + FLOW.beganAfterMs) >> 1] = beganAfterMs;
      const again = kindFlags(this.kind(row)) & ~LEARNT_LATE;
      const whole = again | (flags & (LEARNT_LATE | STICKY));
      this.words[row + FLOW.kind] = (this.kind(row) & 0xffffff) | (whole << 24);
    }
    return !sameReply;
  }

  /** What was true of the same connection's earlier entry stays true; where its beginning was seen, so was the connection's. */
  inherit(row: Row, old: Row): void {
    this.words[row + FLOW.kind]! |= (kindFlags(this.kind(old)) & STICKY & ~FLOW_FLAG.pickedUp) << 24;
    if (this.hasKnownBeginning(old)) this.setMarks(row, MARK.continued);
  }

  /** Somebody saw the connection's beginning: the flow's own, or that of the entry which it continues. */
  hasKnownBeginning(row: Row): boolean {
    return this.isContinued(row) || !(this.beganUnseen(row) || this.isPickedUp(row));
  }

  /** It goes on where an earlier entry was lost, whose beginning was seen: `sinceMs` says when. */
  isContinued(row: Row): boolean {
    return (this.words[row + COMMON.marks]! & MARK.continued) !== 0;
  }

  #hasReply(row: Row, words: Uint32Array, offset: number): boolean {
    const mine = this.words;
    return (
      mine[row + FLOW.replyPorts] === words[offset + FLOW.replyPorts] &&
      sameAddress(mine, row + FLOW.replySource, words, offset + FLOW.replySource) &&
      sameAddress(mine, row + FLOW.replyDestination, words, offset + FLOW.replyDestination)
    );
  }

  /** Adds what an aggregated flow row, `words` or the same viewed as `doubles`, stands for. */
  sumUp(row: Row, words: Uint32Array, doubles: Float64Array): void {
    const mine = this.doubles;
    const half = row >> 1;
    const first = FLOW.firstSeenMs >> 1;
    const last = FLOW.lastSeenMs >> 1;
    this.words[row + FLOW.count]! += words[FLOW.count]!;
    mine[half + first] = Math.min(mine[half + first]!, doubles[first]!);
    mine[half + last] = Math.max(mine[half + last]!, doubles[last]!);
    for (const counter of COUNTERS) {
      const at = counter >> 1;
      mine[half + at] = addCounter(mine[half + at]!, doubles[at]!);
    }
  }

  /** True when two flows have the same tuple at an end, zone included. */
  isSameAt(a: Row, b: Row, end: RowEnd): boolean {
    const { words } = this;
    if (this.protocol(a) !== this.protocol(b) || this.zone(a) !== this.zone(b)) return false;
    if (this.ports(a, end) !== this.ports(b, end)) return false;
    if (!sameAddress(words, this.address(a, end), words, this.address(b, end))) return false;
    return sameAddress(words, this.peer(a, end), words, this.peer(b, end));
  }

  /** True when the original tuple of the one is the reply tuple of the other: an entry made in mid-stream by a packet of the server. */
  isReverseOf(a: Row, b: Row): boolean {
    const { words } = this;
    if (this.protocol(a) !== this.protocol(b) || this.zone(a) !== this.zone(b)) return false;
    if (this.ports(a, SOURCE_END) !== this.ports(b, REPLY_END)) return false;
    if (!sameAddress(words, this.address(a, SOURCE_END), words, this.address(b, REPLY_END))) return false;
    return sameAddress(words, this.peer(a, SOURCE_END), words, this.peer(b, REPLY_END));
  }

  /** CTA_ID, by which the kernel tells flows with one tuple apart. */
  id(row: Row): number {
    return this.words[row + FLOW.id]!;
  }

  // The rows of one connection in several namespaces (chains/ring.ts).

  /** The next row of the ring, NO_ROW when it is alone. */
  ringNext(row: Row): Row {
    return this.words[row + FLOW_OWN.ringNext] as Row;
  }

  setRingNext(row: Row, next: Row): void {
    this.words[row + FLOW_OWN.ringNext] = next;
    this.touch(row);
  }

  /** The member that has the opener; NO_ROW when it is alone. */
  ringHead(row: Row): Row {
    return this.words[row + FLOW_OWN.ringHead] as Row;
  }

  /** The member that has the server; NO_ROW when it is alone. */
  ringTail(row: Row): Row {
    return this.words[row + FLOW_OWN.ringTail] as Row;
  }

  setRingEnds(row: Row, head: Row, tail: Row): void {
    this.words[row + FLOW_OWN.ringHead] = head;
    this.words[row + FLOW_OWN.ringTail] = tail;
    this.touch(row);
  }

  // Translating rows by the tuple that they leave their namespace with, so that whoever takes it in finds them.

  /** Notes what follows from the tuples of a row, new or changed. */
  noteTuples(row: Row): void {
    this.markTuples(row);
    this.#forgetExit(row);
    if (!this.isTranslated(row)) return;
    const hash = replyHash(this.words, row) || 1;
    this.words[row + FLOW_OWN.exitHash] = hash;
    addEntry(this.#exits, hash, row);
  }

  /** The place of the first translating row whose reply tuple has a hash, or -1; the row itself is `translatorAt` it. */
  firstTranslator(hash: number): number {
    return this.#exits.used === 0 ? -1 : firstEntry(this.#exits, hash || 1);
  }

  nextTranslator(hash: number, at: number): number {
    return nextEntry(this.#exits, hash || 1, at);
  }

  translatorAt(at: number): Row {
    return entryValue(this.#exits, at) as Row;
  }

  /** Sockets that were last seen by this moment may be those of an earlier flow with the row's tuple, whose row is gone; -Infinity: there was none. */
  doubtfulUntilMs(row: Row): number {
    return this.#doubts.get(row) ?? Number.NEGATIVE_INFINITY;
  }

  override release(row: Row): void {
    if (this.isTold(row) && this.isClosed(row)) this.#leaveDoubts(row);
    this.#forgetExit(row);
    this.masters.delete(row);
    this.exact.delete(row);
    this.#doubts.delete(row);
    super.release(row);
  }

  /** A connection that is over and goes: where its end was read together with the beginning of another one with its tuple, its sockets may still be about. */
  #leaveDoubts(row: Row): void {
    const hash = this.hash(row);
    const endMs = this.endMs(row);
    for (let at = this.firstAt(hash); at >= 0; at = this.nextAt(hash, at)) {
      const later = this.rowAt(at);
      if (later === row || this.born(later) < this.born(row) || this.beganAfterMs(later) > endMs) continue;
      if (this.netns(later) !== this.netns(row) || !this.#sharesEnd(row, later)) continue;
      this.#doubts.set(later, Math.max(this.doubtfulUntilMs(later), endMs));
    }
  }

  #sharesEnd(a: Row, b: Row): boolean {
    return this.isSameAt(a, b, SOURCE_END) || this.isSameAt(a, b, REPLY_END);
  }

  #forgetExit(row: Row): void {
    const known = this.words[row + FLOW_OWN.exitHash]!;
    if (known === 0) return;
    removeEntry(this.#exits, known, row);
    this.words[row + FLOW_OWN.exitHash] = 0;
  }
}
