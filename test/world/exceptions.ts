/**
 * Where a law is known not to hold, and why. Each exception is of one circumstance and one law, and has a ceiling: the share of the connections that the law speaks about for which it may be
 * broken so, several times what was measured in the season that is worst for it. The summary prints every rate; one above its ceiling is a failure, like every breach without an excuse.
 */
import type { Circumstance } from "./laws/knowledge.ts";
import type { Violation } from "./run-history.ts";

/** What must be so for a breach of some laws to be excused, and for what share of connections at the most. */
interface Exception {
  readonly when: Circumstance;
  readonly atMost: Readonly<Record<string, number>>;
  readonly why: string;
}

const EXCEPTIONS: readonly Exception[] = [
  {
    when: "reuse",
    atMost: {
      "told-once": 0.04,
      "no-row-twice": 0.015,
      ends: 0.01,
      "owner-true": 0.003,
      "owner-given": 0.05,
      present: 0.01,
      "over-is-over": 0.006,
    },
    why: "one batch told of the end of one connection and the beginning of the next with its tuple: nothing but the order of events tells them apart",
  },
  {
    when: "deleted",
    atMost: { "told-once": 0.01, "over-is-over": 0.015, "no-row-twice": 0.005, "owner-given": 0.005, present: 0.001 },
    why: "an entry was deleted while its connection lived, and no socket of it had been seen: conntrack tells of an end and of a new flow",
  },
  {
    when: "partial",
    atMost: {
      "told-once": 0.005,
      "over-is-over": 0.008,
      "no-row-twice": 0.003,
      ends: 0.003,
      "owner-given": 0.003,
      "owner-true": 0.001,
      present: 0.002,
    },
    why: "a namespace on the way does not track: nothing says what leads from one end to the other",
  },
  {
    when: "restart",
    atMost: {
      "told-once": 0.01,
      "over-is-over": 0.005,
      "no-row-twice": 0.004,
      ends: 0.003,
      "owner-given": 0.003,
      "owner-true": 0.002,
      present: 0.005,
    },
    why: "the ingest was down: what it had known is taken over by guesses",
  },
  {
    when: "loss",
    atMost: {
      "told-once": 0.003,
      "over-is-over": 0.003,
      "no-row-twice": 0.002,
      ends: 0.002,
      "owner-given": 0.002,
      "owner-true": 0.001,
      present: 0.003,
    },
    why: "events of a namespace on the way were lost",
  },
  {
    when: "late",
    atMost: {
      "told-once": 0.008,
      "over-is-over": 0.005,
      "no-row-twice": 0.004,
      ends: 0.006,
      "owner-given": 0.008,
      present: 0.002,
    },
    why: "a namespace on the way was found after the connection had begun",
  },
  {
    when: "ghost",
    atMost: { "told-once": 0.002, "over-is-over": 0.002, "no-row-twice": 0.0005, "owner-given": 0.002 },
    why: "the connection was made while nobody listened: its entry has no events",
  },
  {
    when: "overtaken",
    atMost: { "owner-given": 0.001 },
    why: "a table with its socket waited for the reading that told of its end: that the socket is the next one's, which uses the tuple again, cannot be ruled out",
  },
  {
    when: "undumped",
    atMost: { "no-row-twice": 0.001, "told-once": 0.001, "owner-given": 0.001 },
    why: "the connection was there before conntrail was, and over before the first dump came to its entries: its two sockets were seen, and nothing says that a translation leads from the one to the other",
  },
];

/** The name of the exception that excuses a breach, beginning with its law; undefined: none does. */
export function exceptionFor({ law, circumstances }: Violation): string | undefined {
  const found = EXCEPTIONS.find((each) => circumstances.has(each.when) && each.atMost[law] !== undefined);
  return found && nameOf(found, law);
}

/** The share of connections for which the exception of a name may be needed. */
export function ceilingOf(name: string): number {
  for (const exception of EXCEPTIONS) {
    for (const [law, atMost] of Object.entries(exception.atMost)) if (nameOf(exception, law) === name) return atMost;
  }
  throw new RangeError(`no such exception: ${name}`);
}

function nameOf({ when, why }: Exception, law: string): string {
  return `${law} (${when}): ${why}`;
}
