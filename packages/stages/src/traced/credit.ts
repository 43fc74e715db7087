/**
 * The rows of one snapshot and the facts that can be about them. A row and a fact meet when their intervals do, all by one clock: a connection began within
 * the call of connect(2) that opened it, and was closed by its processes before conntrack told its end. Nobody is named unless all that can be meant are one process; what is
 * left keeps the owner that the merge found, or its reason.
 */
import {
  ADDRESS_WORDS,
  CONNECTION_FLAG,
  type ConnectionColumns,
  indexOf,
  isLoopback,
  OWNER_REASON,
  type Owner,
  PROTOCOL,
  type Snapshot,
  TRACE_ROLE,
  type TraceRole,
} from "@conntrail/model";
import { isOver } from "../codes.ts";
import type { FactBook, LookedFor } from "./fact-book.ts";
import { OwnerPlaces } from "./owner-places.ts";
import type { RowBounds } from "./row-bounds.ts";
import { type Doubt, SameEnds } from "./same-ends.ts";

const KNOWN = indexOf(OWNER_REASON, "known");
const LOCAL_FROM = CONNECTION_FLAG.fromLocal;
const LOCAL_TO = CONNECTION_FLAG.toLocal;
const TRACED_FROM = CONNECTION_FLAG.fromTraced | LOCAL_FROM;
const TRACED_TO = CONNECTION_FLAG.toTraced | LOCAL_TO;
const LONG_AGO = Number.NEGATIVE_INFINITY;

/** The work on one snapshot. */
export class Credit {
  readonly #book: FactBook;
  readonly #columns: ConnectionColumns;
  readonly #bounds: RowBounds;
  readonly #owners: OwnerPlaces;
  /** Ends whose opening was not seen. */
  readonly #claims: Doubt[] = [];
  readonly #sameEnds = new SameEnds();
  /** How many facts the last search agreed on. */
  #agreeing = 0;
  readonly #end: LookedFor;

  constructor(book: FactBook, { columns, owners }: Pick<Snapshot, "columns" | "owners">, bounds: RowBounds) {
    this.#book = book;
    this.#columns = columns;
    this.#bounds = bounds;
    this.#owners = new OwnerPlaces(owners);
    const none = columns.originalSource;
    this.#end = { protocol: 0, local: none, localAt: 0, remote: none, remoteAt: 0, ports: 0 };
  }

  /** Returns the owners that the rows now point into. */
  run(): readonly Owner[] {
    const { length, protocol, flags, state } = this.#columns;
    this.#book.beginReport();
    for (let row = 0; row < length; row++) {
      if (protocol[row] !== PROTOCOL.tcp && protocol[row] !== PROTOCOL.udp) continue;
      if ((flags[row]! & CONNECTION_FLAG.aggregated) !== 0) continue;
      // Whoever opened it has it no more.
      if ((flags[row]! & CONNECTION_FLAG.stale) !== 0 && !isOver(state[row]!)) continue;
      this.#credit(row, true);
      this.#credit(row, false);
    }
    for (const [doubt, fact] of this.#sameEnds.resolve((each) => this.#openings(each))) {
      if (fact !== 0) this.#writeOpener(doubt, fact);
      else if (!doubt.isKnown) this.#claims.push(doubt);
    }
    // Of two rows with the same ends the one that began first has the closing that came first.
    this.#claims.sort((a, b) => a.firstSeenMs - b.firstSeenMs || a.id - b.id);
    for (const doubt of this.#claims) this.#closer(doubt);
    for (const [doubt, fact] of this.#sameEnds.resolve((each) => this.#closings(each))) {
      if (fact !== 0) this.#writeCloser(doubt, fact);
    }
    return this.#owners.list;
  }

  #credit(row: number, isFrom: boolean): void {
    const end = this.#lookFor(row, isFrom);
    if (this.#book.first(end) === 0) return;
    if (this.#book.hasHeld) this.#holder(row, isFrom);
    if (end.protocol === PROTOCOL.udp) {
      const fact = this.#sender(row, isFrom);
      if (fact !== 0) this.#write(row, isFrom, this.#book.owner(fact)!);
    } else this.#opener({ row, isFrom, id: this.#columns.id[row]!, firstSeenMs: this.#columns.firstSeenMs[row]! });
  }

  /** Names who was found with the socket while the row lived, where the merge knows nobody who holds it. Every word of the trace goes before it. */
  #holder(row: number, isFrom: boolean): void {
    const { fromReason, toReason, state, lastSeenMs } = this.#columns;
    if ((isFrom ? fromReason : toReason)[row] === KNOWN) return;
    const toMs = isOver(state[row]!) ? lastSeenMs[row]! : Number.POSITIVE_INFINITY;
    const fact = this.#agreed(row, isFrom, TRACE_ROLE.held, this.#bounds.beganAfterMs[row]!, toMs, false);
    if (fact > 0) this.#write(row, isFrom, this.#book.owner(fact)!, isFrom ? LOCAL_FROM : LOCAL_TO);
  }

  /** The end as the process there sees it. */
  #lookFor(row: number, isFrom: boolean): LookedFor {
    const { originalSource, originalDestination, originalPorts } = this.#columns;
    const { replySource, replyDestination, replyPorts, protocol } = this.#columns;
    const end = this.#end;
    end.protocol = protocol[row]!;
    end.local = isFrom ? originalSource : replySource;
    end.remote = isFrom ? originalDestination : replyDestination;
    end.localAt = row * ADDRESS_WORDS;
    end.remoteAt = row * ADDRESS_WORDS;
    end.ports = (isFrom ? originalPorts : replyPorts)[row]!;
    return end;
  }

  /**
   * A sending from this end while the row can have lived; else 0. A connected socket has its route from the time when it was connected: where nothing was
   * looked up since, the last look-up before holds.
   */
  #sender(row: number, isFrom: boolean): number {
    const book = this.#book;
    const { firstSeenMs, lastSeenMs } = this.#columns;
    const byMs = firstSeenMs[row]!;
    const endedMs = lastSeenMs[row]!;
    const afterMs = this.#bounds.beganAfterMs[row]!;
    // The kernel looks the route up a moment before conntrack meets the datagram, and the reading may have begun in between.
    const widerMs = afterMs === LONG_AGO ? LONG_AGO : afterMs - Math.max(0, byMs - afterMs);
    const within = this.#agreed(row, isFrom, TRACE_ROLE.sent, widerMs, endedMs, false);
    const fact = within === 0 ? this.#agreed(row, isFrom, TRACE_ROLE.sent, LONG_AGO, endedMs, true) : within;
    if (fact <= 0) return 0;
    const sinceMs = book.sinceMs(fact);
    return book.wasBlind(widerMs === LONG_AGO ? sinceMs : Math.min(widerMs, sinceMs), endedMs) ? 0 : fact;
  }

  /** Names who opened: an opening during which the row can have begun. */
  #opener(doubt: Doubt): void {
    const { row, isFrom, firstSeenMs } = doubt;
    const fact = this.#agreed(row, isFrom, TRACE_ROLE.opened, this.#bounds.beganAfterMs[row]!, firstSeenMs, false);
    if (fact < 0) this.#sameEnds.add(this.#ends(doubt), doubt);
    else if (fact === 0 || this.#book.wasBlind(this.#book.sinceMs(fact), firstSeenMs)) this.#claims.push(doubt);
    else if (this.#agreeing === 1) this.#writeOpener(doubt, fact);
    else {
      // All are of one process: which of them was this row's, those with other processes want to know.
      this.#write(row, isFrom, this.#book.owner(fact)!);
      this.#sameEnds.add(this.#ends(doubt), { ...doubt, isKnown: true });
    }
  }

  #writeOpener({ row, isFrom, id }: Doubt, fact: number): void {
    this.#book.hold(fact, id);
    this.#write(row, isFrom, this.#book.owner(fact)!);
  }

  /** The openings that can be a row's and no other's, the oldest first; none where one may be missing. */
  #openings({ row, isFrom, id, firstSeenMs }: Doubt): number[] {
    const book = this.#book;
    const afterMs = this.#bounds.beganAfterMs[row]!;
    this.#lookFor(row, isFrom);
    const facts = this.#meeting(row, isFrom, TRACE_ROLE.opened, afterMs, firstSeenMs);
    const free = facts.filter((fact) => book.isHeldBy(fact, id)).reverse();
    const known = free.every((fact) => book.owner(fact) !== undefined);
    return free.length > 0 && known && !book.wasBlind(Math.min(afterMs, book.sinceMs(free[0]!)), firstSeenMs)
      ? free
      : [];
  }

  /** Names who closed this end while the row can have lived: the first closing that no row before has taken. */
  #closer(doubt: Doubt): void {
    const { row, isFrom } = doubt;
    const book = this.#book;
    const afterMs = this.#bounds.beganAfterMs[row]!;
    const endedMs = this.#columns.lastSeenMs[row]!;
    this.#lookFor(row, isFrom);
    const last = this.#agreed(row, isFrom, TRACE_ROLE.closed, afterMs, endedMs, false);
    if (last < 0) this.#sameEnds.add(this.#ends(doubt), doubt);
    if (last <= 0) return;
    const blindMs = afterMs === LONG_AGO ? book.sinceMs(last) : afterMs;
    if (book.wasBlind(blindMs, endedMs)) return;
    const isExact = this.#isExact(row, isFrom, last);
    let first = 0;
    for (let fact = last; fact !== 0; fact = book.next(fact, this.#end)) {
      if (book.role(fact) !== TRACE_ROLE.closed || book.sinceMs(fact) < afterMs) continue;
      if (this.#isExact(row, isFrom, fact) !== isExact) continue;
      if (book.isFree(fact, afterMs, endedMs)) first = fact;
    }
    if (first !== 0) this.#writeCloser(doubt, first);
  }

  #writeCloser({ row, isFrom, firstSeenMs }: Doubt, fact: number): void {
    this.#book.claim(fact, firstSeenMs);
    this.#write(row, isFrom, this.#book.owner(fact)!);
  }

  /** The closings that can be a row's and no other's, the oldest first; none where one may be missing. */
  #closings({ row, isFrom }: Doubt): number[] {
    const book = this.#book;
    const afterMs = this.#bounds.beganAfterMs[row]!;
    const endedMs = this.#columns.lastSeenMs[row]!;
    this.#lookFor(row, isFrom);
    const facts = this.#meeting(row, isFrom, TRACE_ROLE.closed, afterMs, endedMs);
    const free = facts.filter((fact) => book.isFree(fact, afterMs, endedMs)).reverse();
    return free.length > 0 && !book.wasBlind(Math.min(afterMs, book.sinceMs(free[0]!)), endedMs) ? free : [];
  }

  /** The facts of a kind, of the row's own namespace, that overlap the stretch, the newest first. */
  #meeting(row: number, isFrom: boolean, role: TraceRole, fromMs: number, toMs: number): number[] {
    const book = this.#book;
    const facts: number[] = [];
    for (let fact = book.first(this.#end); fact !== 0; fact = book.next(fact, this.#end)) {
      if (book.role(fact) !== role || book.sinceMs(fact) > toMs || book.untilMs(fact) < fromMs) continue;
      if (this.#isExact(row, isFrom, fact)) facts.push(fact);
    }
    return facts;
  }

  /** The same for rows that have an end in common. */
  #ends({ row, isFrom }: Doubt): string {
    const { local, localAt, remote, remoteAt, ports } = this.#end;
    const netns = (isFrom ? this.#columns.netns : this.#bounds.toNetns)[row]!;
    const words = [
      ...local.subarray(localAt, localAt + ADDRESS_WORDS),
      ...remote.subarray(remoteAt, remoteAt + ADDRESS_WORDS),
    ];
    return `${isFrom} ${netns} ${ports} ${words.join(" ")}`;
  }

  /**
   * The newest fact of a kind that overlaps the stretch, when all that do are of one process; 0 when there is none, -1 when there are several. `latest`: the newest one alone counts. Facts of the
   * row's own namespace go before those of others, where the address may mean something else.
   */
  #agreed(row: number, isFrom: boolean, role: TraceRole, fromMs: number, toMs: number, latest: boolean): number {
    const book = this.#book;
    let own = 0;
    let other = 0;
    let owns = 0;
    let others = 0;
    for (let fact = book.first(this.#end); fact !== 0; fact = book.next(fact, this.#end)) {
      if (book.role(fact) !== role || book.sinceMs(fact) > toMs) continue;
      if (book.untilMs(fact) < fromMs) continue;
      if (this.#isExact(row, isFrom, fact)) {
        own = this.#same(own, fact);
        owns++;
      } else if (this.#mayBeElsewhere(row, isFrom)) {
        other = this.#same(other, fact);
        others++;
      }
      if (latest && (own !== 0 || other !== 0)) break;
    }
    this.#agreeing = own === 0 ? others : owns;
    return own === 0 ? other : own;
  }

  /** `found` (0: nothing yet) when `fact` is of the same process, which is known; else -1. */
  #same(found: number, fact: number): number {
    const owner = this.#book.owner(fact);
    if (found < 0 || owner === undefined) return -1;
    if (found === 0) return fact;
    const { pid, startTicks } = this.#book.owner(found)!;
    return pid === owner.pid && startTicks === owner.startTicks ? found : -1;
  }

  /** The thread was in the namespace that told of this end. */
  #isExact(row: number, isFrom: boolean, fact: number): boolean {
    return this.#book.netns(fact) === (isFrom ? this.#columns.netns : this.#bounds.toNetns)[row];
  }

  /** The thread may have been in another namespace than the row tells, unless the address is one that each has for itself. Nobody else can have had these ports at that time. */
  #mayBeElsewhere(row: number, isFrom: boolean): boolean {
    const { originalSource, replySource } = this.#columns;
    return !isLoopback(isFrom ? originalSource : replySource, row * ADDRESS_WORDS);
  }

  /** A process is there, so the end is on this host, also where no scan has met its namespace yet. */
  #write(row: number, isFrom: boolean, owner: Owner, flag: number = isFrom ? TRACED_FROM : TRACED_TO): void {
    const { fromOwner, toOwner, fromReason, toReason, flags } = this.#columns;
    (isFrom ? fromOwner : toOwner)[row] = this.#owners.place(owner);
    (isFrom ? fromReason : toReason)[row] = KNOWN;
    flags[row]! &= ~CONNECTION_FLAG.transit;
    flags[row]! |= flag;
  }
}
