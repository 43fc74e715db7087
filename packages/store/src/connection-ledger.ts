/**
 * What was told of the connections that live: so that each row tells only what is new. Connections that begin and end between
 * two intervals never enter it. Bounded; one that does not fit is told as if it were new each time, and counted.
 */
import { ADDRESS_WORDS, type ConnectionColumns, EXACT_COUNTERS } from "@conntrail/model";
import type { RawReport } from "@conntrail/report";

/** A counter: a bigint where it, or what was told before, is beyond 2^53. */
type Counter = number | bigint;

/** What a row has to tell of a connection since the last one. Counters are those of conntrack, 0 when it does not count. */
export interface News {
  readonly isNew: boolean;
  /** Unix milliseconds: the first beginning that was told, kept so that the rows of a connection name the same one. */
  readonly firstSeenMs: number;
  readonly fromPackets: Counter;
  readonly fromBytes: Counter;
  readonly toPackets: Counter;
  readonly toBytes: Counter;
}

interface Told {
  firstSeenMs: number;
  fromPackets: Counter;
  fromBytes: Counter;
  toPackets: Counter;
  toBytes: Counter;
  round: number;
}

/** Told connections that may be remembered unless the options say otherwise: some 300 bytes each. */
export const DEFAULT_LEDGER_SIZE = 262_144;

/** The memory of one sink. */
export class ConnectionLedger {
  readonly #told = new Map<string, Told>();
  readonly #capacity: number;
  #round = 0;
  /** Live connections that found no room. */
  overflow = 0;

  constructor(capacity: number = DEFAULT_LEDGER_SIZE) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#told.size;
  }

  /** What is new of a connection that has ended; it is forgotten. */
  close(report: RawReport, row: number): News {
    const { columns } = report;
    const key = this.#told.size === 0 ? "" : keyOf(columns, row);
    const told = key === "" ? undefined : this.#told.get(key);
    if (told !== undefined) this.#told.delete(key);
    return newsOf(report, row, told);
  }

  /** What is new of a connection that lives, which is remembered as told. */
  touch(report: RawReport, row: number): News {
    const key = keyOf(report.columns, row);
    const told = this.#told.get(key);
    const news = newsOf(report, row, told);
    if (told === undefined && this.#told.size >= this.#capacity) {
      this.overflow++;
      return news;
    }
    this.#told.set(key, {
      firstSeenMs: news.firstSeenMs,
      ...countersOf(report, row),
      round: this.#round,
    });
    return news;
  }

  /** Ends a round in which every living connection was touched: those that were not are forgotten. */
  endRound(): void {
    for (const [key, told] of this.#told) if (told.round !== this.#round) this.#told.delete(key);
    this.#round++;
  }
}

function newsOf(report: RawReport, row: number, told: Told | undefined): News {
  const { fromPackets, fromBytes, toPackets, toBytes } = countersOf(report, row);
  return {
    isNew: told === undefined,
    firstSeenMs: told?.firstSeenMs ?? report.columns.firstSeenMs[row]!,
    fromPackets: since(fromPackets, told?.fromPackets ?? 0),
    fromBytes: since(fromBytes, told?.fromBytes ?? 0),
    toPackets: since(toPackets, told?.toPackets ?? 0),
    toBytes: since(toBytes, told?.toBytes ?? 0),
  };
}

type Counters = Pick<Told, "fromPackets" | "fromBytes" | "toPackets" | "toBytes">;

/** What conntrack counted, digit for digit; -1, which means that the kernel does not count, as 0. */
function countersOf({ columns, exact }: RawReport, row: number): Counters {
  const at = (columns.exact[row]! - 1) * EXACT_COUNTERS;
  if (at >= 0 && exact !== undefined && at < exact.length) {
    const [fromPackets, fromBytes, toPackets, toBytes] = exact.slice(at, at + EXACT_COUNTERS) as CounterDigits;
    return { fromPackets, fromBytes, toPackets, toBytes };
  }
  return {
    fromPackets: Math.max(columns.originalPackets[row]!, 0),
    fromBytes: Math.max(columns.originalBytes[row]!, 0),
    toPackets: Math.max(columns.replyPackets[row]!, 0),
    toBytes: Math.max(columns.replyBytes[row]!, 0),
  };
}

type CounterDigits = [bigint, bigint, bigint, bigint];

function since(now: Counter, before: Counter): Counter {
  if (typeof now === "number" && typeof before === "number") return Math.max(0, now - before);
  const more = BigInt(now) - BigInt(before);
  return more < 0n ? 0 : more;
}

/**
 * A connection's identity while it lives: its protocol, zone and tuple as they are in the columns. Not its namespace, for the
 * first fact of a connection may come from another namespace than a later and better one.
 */
function keyOf(columns: ConnectionColumns, row: number): string {
  const { originalSource, originalDestination, originalPorts, protocol, zone } = columns;
  const units = [protocol[row]!, zone[row]!, originalPorts[row]! >>> 16, originalPorts[row]! & 0xffff];
  for (let at = row * ADDRESS_WORDS; at < (row + 1) * ADDRESS_WORDS; at++) {
    const source = originalSource[at]!;
    const destination = originalDestination[at]!;
    units.push(source >>> 16, source & 0xffff, destination >>> 16, destination & 0xffff);
  }
  return String.fromCharCode(...units);
}
