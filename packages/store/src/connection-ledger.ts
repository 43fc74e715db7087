/**
 * What was told of the connections that live: so that each row tells only what is new. Connections that begin and end between
 * two intervals never enter it. Bounded; one that does not fit is told as if it were new each time, and counted.
 */
import { ADDRESS_WORDS, type ConnectionColumns } from "@conntrail/model";

/** What a row has to tell of a connection since the last one. Counters are those of conntrack, 0 when it does not count. */
export interface News {
  readonly isNew: boolean;
  /** Unix milliseconds: the first beginning that was told, kept so that the rows of a connection name the same one. */
  readonly firstSeenMs: number;
  readonly fromPackets: number;
  readonly fromBytes: number;
  readonly toPackets: number;
  readonly toBytes: number;
}

interface Told {
  firstSeenMs: number;
  fromPackets: number;
  fromBytes: number;
  toPackets: number;
  toBytes: number;
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
  close(columns: ConnectionColumns, row: number): News {
    const key = this.#told.size === 0 ? "" : keyOf(columns, row);
    const told = key === "" ? undefined : this.#told.get(key);
    if (told !== undefined) this.#told.delete(key);
    return newsOf(columns, row, told);
  }

  /** What is new of a connection that lives, which is remembered as told. */
  touch(columns: ConnectionColumns, row: number): News {
    const key = keyOf(columns, row);
    const told = this.#told.get(key);
    const news = newsOf(columns, row, told);
    if (told === undefined && this.#told.size >= this.#capacity) {
      this.overflow++;
      return news;
    }
    this.#told.set(key, {
      firstSeenMs: news.firstSeenMs,
      fromPackets: counted(columns.originalPackets[row]!),
      fromBytes: counted(columns.originalBytes[row]!),
      toPackets: counted(columns.replyPackets[row]!),
      toBytes: counted(columns.replyBytes[row]!),
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

function newsOf(columns: ConnectionColumns, row: number, told: Told | undefined): News {
  const since = (now: number, before: number): number => Math.max(0, counted(now) - before);
  return {
    isNew: told === undefined,
    firstSeenMs: told?.firstSeenMs ?? columns.firstSeenMs[row]!,
    fromPackets: since(columns.originalPackets[row]!, told?.fromPackets ?? 0),
    fromBytes: since(columns.originalBytes[row]!, told?.fromBytes ?? 0),
    toPackets: since(columns.replyPackets[row]!, told?.toPackets ?? 0),
    toBytes: since(columns.replyBytes[row]!, told?.toBytes ?? 0),
  };
}

/** -1 means that the kernel does not count. */
function counted(value: number): number {
  return Math.max(value, 0);
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
