/**
 * What the trace told lately, found by the ports and the far address of an end. The newest facts replace the oldest: a ring of rows and, by hash, chains
 * from each fact to the one before it. A fact is named by its number, which grows for ever; those that were replaced end a chain.
 */
import {
  hashEnd,
  isUnspecified,
  kindProtocol,
  kindState,
  type Owner,
  sameAddress,
  TRACE,
  TRACE_ROLE,
  TRACE_WORDS,
  type TraceBatch,
} from "@conntrail/model";

/** Facts kept: at 15,000 connections a second, the worst that was seen, those of three seconds. */
const MOST_FACTS = 131_072;

/** Facts that there is room for at first; the room doubles as it is needed. */
const FIRST_FACTS = 1_024;

/** Stretches of blindness remembered. */
const MOST_BLIND = 64;

/** An end of a connection as a report has it: what is looked for. */
export interface LookedFor {
  protocol: number;
  local: Uint32Array;
  localAt: number;
  remote: Uint32Array;
  remoteAt: number;
  /** local << 16 | remote */
  ports: number;
}

/** The facts. */
export class FactBook {
  #capacity = FIRST_FACTS;
  #rows = new Uint32Array(FIRST_FACTS * TRACE_WORDS);
  #doubles = new Float64Array(this.#rows.buffer);
  #owners: (Owner | undefined)[] = [];
  /** Which row has taken a fact (NaN = none): of a closing when that was first seen, and in which report; of an opening its id. */
  #taken = new Float64Array(FIRST_FACTS);
  #takenIn = new Uint32Array(FIRST_FACTS);
  #report = 0;
  /** By hash: the newest fact; by fact: the one before it with the same hash. 0 = none, facts are counted from 1. */
  #newest = new Float64Array(FIRST_FACTS);
  #before = new Float64Array(FIRST_FACTS);
  #told = 0;
  readonly #blind: { readonly sinceMs: number; readonly untilMs: number }[] = [];

  /** True when somebody was ever found by a look-up. */
  hasHeld = false;

  /** True while nothing was ever told. */
  get isEmpty(): boolean {
    return this.#told === 0;
  }

  /** Takes a batch in. Copies its rows. */
  take({ rows, count, owners, blind }: TraceBatch): void {
    if (blind !== null && this.#blind.push(blind) > MOST_BLIND) this.#blind.shift();
    if (this.#told + count > this.#capacity && this.#capacity < MOST_FACTS) this.#grow(this.#told + count);
    for (let i = 0; i < count; i++) {
      const from = i * TRACE_WORDS;
      const fact = ++this.#told;
      const place = fact & (this.#capacity - 1);
      const to = place * TRACE_WORDS;
      for (let word = 0; word < TRACE_WORDS; word++) this.#rows[to + word] = rows[from + word]!;
      this.#owners[place] = owners[rows[from + TRACE.owner]! - 1];
      this.#taken[place] = Number.NaN;
      if (kindState(rows[from + TRACE.kind]!) === TRACE_ROLE.held) this.hasHeld = true;
      this.#link(fact);
    }
  }

  /** The newest fact about an end; 0 = none. */
  first(end: LookedFor): number {
    const protocol = end.protocol;
    const hash = (hashEnd(end.remote, end.remoteAt, end.ports & 0xffff) + (end.ports >>> 16) + protocol) >>> 0;
    return this.#match(this.#newest[hash & (this.#capacity - 1)]!, end);
  }

  /** The fact about the end before `fact`; 0 = none. */
  next(fact: number, end: LookedFor): number {
    return this.#match(this.#before[fact & (this.#capacity - 1)]!, end);
  }

  role(fact: number): number {
    return (this.#rows[this.#at(fact) + TRACE.kind]! >>> 16) & 0xff;
  }

  netns(fact: number): number {
    return this.#rows[this.#at(fact) + TRACE.netns]!;
  }

  sinceMs(fact: number): number {
    return this.#doubles[(this.#at(fact) + TRACE.sinceMs) >> 1]!;
  }

  untilMs(fact: number): number {
    return this.#doubles[(this.#at(fact) + TRACE.untilMs) >> 1]!;
  }

  /** `undefined` when somebody opened it who is not known. */
  owner(fact: number): Owner | undefined {
    return this.#owners[fact & (this.#capacity - 1)];
  }

  /** Another report: what rows took in earlier ones may be theirs again. */
  beginReport(): void {
    this.#report++;
  }

  /** True for a closing that no row has taken, or in an earlier report one that was first seen while this one lived. There is one closing of an end to a connection. */
  isFree(fact: number, beganAfterMs: number, lastSeenMs: number): boolean {
    const place = fact & (this.#capacity - 1);
    const taken = this.#taken[place]!;
    if (Number.isNaN(taken)) return true;
    return this.#takenIn[place] !== this.#report && taken >= beganAfterMs && taken <= lastSeenMs;
  }

  /** Gives a closing to the row that was first seen then. */
  claim(fact: number, firstSeenMs: number): void {
    const place = fact & (this.#capacity - 1);
    this.#taken[place] = firstSeenMs;
    this.#takenIn[place] = this.#report;
  }

  /** True for an opening that is no other row's, in this report and in all before. */
  isHeldBy(fact: number, id: number): boolean {
    const holder = this.#taken[fact & (this.#capacity - 1)]!;
    return Number.isNaN(holder) || holder === id;
  }

  /** Gives an opening to a row for good. */
  hold(fact: number, id: number): void {
    this.#taken[fact & (this.#capacity - 1)] = id;
  }

  /** True when something between the two moments may be missing. */
  wasBlind(sinceMs: number, untilMs: number): boolean {
    return this.#blind.some((blind) => blind.sinceMs <= untilMs && blind.untilMs >= sinceMs);
  }

  #match(candidate: number, end: LookedFor): number {
    let fact = candidate;
    while (fact > 0 && fact > this.#told - this.#capacity) {
      const at = this.#at(fact);
      const rows = this.#rows;
      if (
        rows[at + TRACE.ports] === end.ports &&
        kindProtocol(rows[at + TRACE.kind]!) === end.protocol &&
        sameAddress(rows, at + TRACE.remote, end.remote, end.remoteAt) &&
        // A socket that was never bound to an address sends from whichever the route gives it.
        (sameAddress(rows, at + TRACE.local, end.local, end.localAt) || isUnspecified(rows, at + TRACE.local))
      ) {
        return fact;
      }
      fact = this.#before[fact & (this.#capacity - 1)]!;
    }
    return 0;
  }

  #at(fact: number): number {
    return (fact & (this.#capacity - 1)) * TRACE_WORDS;
  }

  #link(fact: number): void {
    const rows = this.#rows;
    const at = this.#at(fact);
    const ports = rows[at + TRACE.ports]!;
    const remote = hashEnd(rows, at + TRACE.remote, ports & 0xffff);
    const hash = (remote + (ports >>> 16) + kindProtocol(rows[at + TRACE.kind]!)) >>> 0;
    const bucket = hash & (this.#capacity - 1);
    this.#before[fact & (this.#capacity - 1)] = this.#newest[bucket]!;
    this.#newest[bucket] = fact;
  }

  #grow(wanted: number): void {
    const rows = this.#rows;
    const owners = this.#owners;
    const taken = this.#taken;
    const takenIn = this.#takenIn;
    const held = this.#capacity;
    while (this.#capacity < wanted && this.#capacity < MOST_FACTS) this.#capacity *= 2;
    this.#rows = new Uint32Array(this.#capacity * TRACE_WORDS);
    this.#doubles = new Float64Array(this.#rows.buffer);
    this.#owners = [];
    this.#taken = new Float64Array(this.#capacity);
    this.#takenIn = new Uint32Array(this.#capacity);
    this.#newest = new Float64Array(this.#capacity);
    this.#before = new Float64Array(this.#capacity);
    for (let fact = Math.max(1, this.#told - held + 1); fact <= this.#told; fact++) {
      const from = fact & (held - 1);
      const to = fact & (this.#capacity - 1);
      this.#rows.set(rows.subarray(from * TRACE_WORDS, (from + 1) * TRACE_WORDS), to * TRACE_WORDS);
      this.#owners[to] = owners[from];
      this.#taken[to] = taken[from]!;
      this.#takenIn[to] = takenIn[from]!;
      this.#link(fact);
    }
  }
}
