/**
 * The stage that puts the first rung on the ladder of owners: the process that the kernel saw open, send from or close an end. It has what the trace told
 * up to the snapshot and names nobody unless only one process can be meant; what it leaves keeps the owner that the merge found, or its reason.
 */
import {
  ADDRESS_WORDS,
  CONNECTION_FLAG,
  CONNECTION_STATE,
  type ConnectionColumns,
  indexOf,
  isLoopback,
  OWNER_REASON,
  type Owner,
  PROTOCOL,
  type Snapshot,
  TRACE_ROLE,
  type TraceBatch,
  type TraceHealth,
} from "@conntrail/model";
import { defer, ignoreElements, map, merge, type Observable, tap } from "rxjs";
import type { Stage } from "../stage.ts";
import { FactBook, type LookedFor } from "./fact-book.ts";
import { OwnerPlaces } from "./owner-places.ts";

/** The longest that events of a flow may wait before they are read: what the trace saw so long before a flow may be of it. */
const LAG_MS = 1_000;

/** Clocks of the rings and of the flows agree so far. */
const SLACK_MS = 5;

/** An end that is on this host, or may be. */
const TO_HERE = CONNECTION_FLAG.toLocal | CONNECTION_FLAG.toRuled;

/** A process that was seen at an end is on this host, and so is the end. */
const FROM_TRACED = CONNECTION_FLAG.fromTraced | CONNECTION_FLAG.fromLocal;
const TO_TRACED = CONNECTION_FLAG.toTraced | CONNECTION_FLAG.toLocal;

const KNOWN = indexOf(OWNER_REASON, "known");
const ENDED = new Set([indexOf(CONNECTION_STATE, "closed"), indexOf(CONNECTION_STATE, "failed")]);

/** Completes each snapshot, in place, by what `trace$` told before it. Ends when both have ended. */
export function creditTraced(trace$: Observable<TraceBatch>): Stage<Snapshot, Snapshot> {
  return (snapshots$) =>
    defer(() => {
      const book = new FactBook();
      let latest: TraceHealth | undefined;
      const facts$ = trace$.pipe(
        tap((batch) => {
          book.take(batch);
          latest = batch.health;
        }),
        ignoreElements(),
      );
      const credited$ = snapshots$.pipe(
        map((snapshot) => {
          const owners = book.isEmpty ? snapshot.owners : new Credit(book, snapshot).run();
          return { ...snapshot, owners, health: { ...snapshot.health, trace: latest ?? snapshot.health.trace } };
        }),
      );
      return merge(facts$, credited$);
    });
}

/** A closing that may be of a row whose opening was not seen. */
interface Claim {
  readonly row: number;
  readonly isFrom: boolean;
  readonly fact: number;
  readonly firstSeenMs: number;
}

/** The work on one snapshot. */
class Credit {
  readonly #book: FactBook;
  readonly #columns: ConnectionColumns;
  readonly #owners: OwnerPlaces;
  readonly #claims: Claim[] = [];
  readonly #end: LookedFor;

  constructor(book: FactBook, { columns, owners }: Snapshot) {
    this.#book = book;
    this.#columns = columns;
    this.#owners = new OwnerPlaces(owners);
    const none = columns.originalSource;
    this.#end = { protocol: 0, local: none, localAt: 0, remote: none, remoteAt: 0, ports: 0 };
  }

  /** Returns the owners that the rows now point into. */
  run(): readonly Owner[] {
    const { length, protocol, flags } = this.#columns;
    for (let row = 0; row < length; row++) {
      if (protocol[row] !== PROTOCOL.tcp && protocol[row] !== PROTOCOL.udp) continue;
      if ((flags[row]! & CONNECTION_FLAG.aggregated) !== 0) continue;
      this.#credit(row, true);
      this.#credit(row, false);
    }
    // Of two rows with the same ends the one that began first has the closing that came first.
    this.#claims.sort((a, b) => a.firstSeenMs - b.firstSeenMs || a.fact - b.fact);
    for (const { row, isFrom, fact, firstSeenMs } of this.#claims) {
      if (this.#book.claim(fact, firstSeenMs)) this.#write(row, isFrom, this.#book.owner(fact)!);
    }
    return this.#owners.list;
  }

  #credit(row: number, isFrom: boolean): void {
    const end = this.#lookFor(row, isFrom);
    const first = this.#book.first(end);
    if (first === 0) return;
    const isDatagram = end.protocol === PROTOCOL.udp;
    const opener = isDatagram ? this.#sender(row, isFrom, first) : this.#opener(row, isFrom, first);
    if (opener !== 0 || isDatagram) {
      if (opener === 0) return;
      const owner = this.#book.owner(opener);
      if (owner !== undefined) this.#write(row, isFrom, owner);
    } else this.#closer(row, isFrom, first);
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

  /** A sending from this end while the row can have lived, when all of them were of one process; else 0. */
  #sender(row: number, isFrom: boolean, first: number): number {
    const book = this.#book;
    const beganMs = this.#columns.firstSeenMs[row]! - LAG_MS;
    const endedMs = this.#columns.lastSeenMs[row]! + SLACK_MS;
    let found = 0;
    for (let fact = first; fact !== 0; fact = book.next(fact, this.#end)) {
      const sinceMs = book.sinceMs(fact);
      if (sinceMs < beganMs) break;
      if (sinceMs > endedMs || !this.#mayBeAt(row, isFrom, fact)) continue;
      if (found !== 0 && !isSame(book.owner(found), book.owner(fact))) return 0;
      found = fact;
    }
    return found === 0 || book.wasBlind(beganMs, endedMs) ? 0 : found;
  }

  /** The latest opening before the row was first seen, when nothing that was missed and no other opening can be meant; else 0. */
  #opener(row: number, isFrom: boolean, first: number): number {
    const book = this.#book;
    const firstSeenMs = this.#columns.firstSeenMs[row]!;
    let found = 0;
    for (let fact = first; fact !== 0; fact = book.next(fact, this.#end)) {
      if (book.role(fact) === TRACE_ROLE.closed || !this.#mayBeAt(row, isFrom, fact)) continue;
      const sinceMs = book.sinceMs(fact);
      if (sinceMs > firstSeenMs + SLACK_MS) continue;
      if (found === 0) {
        if (book.wasBlind(sinceMs, firstSeenMs)) return 0;
        found = fact;
      } else if (sinceMs < firstSeenMs - LAG_MS) break;
      else if (!isSame(book.owner(found), book.owner(fact))) return 0;
    }
    return found;
  }

  /** Leaves a claim when one process alone closed this end while the row can have lived. */
  #closer(row: number, isFrom: boolean, first: number): void {
    const book = this.#book;
    const { state, firstSeenMs, lastSeenMs } = this.#columns;
    const beganMs = firstSeenMs[row]! - (ENDED.has(state[row]!) ? LAG_MS : 0);
    const endedMs = lastSeenMs[row]! + SLACK_MS;
    let earliest = 0;
    for (let fact = first; fact !== 0; fact = book.next(fact, this.#end)) {
      if (book.role(fact) !== TRACE_ROLE.closed || !this.#mayBeAt(row, isFrom, fact)) continue;
      const closedMs = book.sinceMs(fact);
      if (closedMs < beganMs) break;
      if (closedMs > endedMs) continue;
      if (earliest !== 0 && !isSame(book.owner(earliest), book.owner(fact))) return;
      earliest = fact;
    }
    if (earliest === 0 || book.wasBlind(beganMs, endedMs)) return;
    this.#claims.push({ row, isFrom, fact: earliest, firstSeenMs: firstSeenMs[row]! });
  }

  /** The thread was in the namespace of the row, or the end is of another namespace of this host, where its address means the same. */
  #mayBeAt(row: number, isFrom: boolean, fact: number): boolean {
    const { netns, flags, originalSource, replySource } = this.#columns;
    if (this.#book.netns(fact) === netns[row]) return true;
    if ((flags[row]! & (isFrom ? CONNECTION_FLAG.fromLocal : TO_HERE)) === 0) return false;
    return !isLoopback(isFrom ? originalSource : replySource, row * ADDRESS_WORDS);
  }

  #write(row: number, isFrom: boolean, owner: Owner): void {
    const { fromOwner, toOwner, fromReason, toReason, flags } = this.#columns;
    (isFrom ? fromOwner : toOwner)[row] = this.#owners.place(owner);
    (isFrom ? fromReason : toReason)[row] = KNOWN;
    flags[row]! |= isFrom ? FROM_TRACED : TO_TRACED;
    flags[row]! &= ~CONNECTION_FLAG.transit;
  }
}

/** The same process, and known. */
function isSame(a: Owner | undefined, b: Owner | undefined): boolean {
  return a !== undefined && b !== undefined && a.pid === b.pid && a.startTicks === b.startTicks;
}
