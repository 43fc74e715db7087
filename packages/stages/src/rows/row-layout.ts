/**
 * Where the fields of a row lie. A row is 64 words: those of a flow (flow-row.ts of the model), then those that every connection has, then
 * those of its kind. Places follow from the order of the names; `ROW_LAYOUTS` is what the law about them reads.
 */
import { FLOW, FLOW_WORDS } from "@conntrail/model";

/** Words in a row, as a power of two: 256 bytes. */
export const ROW_SHIFT = 6;

/** Words in a row. */
export const ROW_WORDS: number = 1 << ROW_SHIFT;

/** The offset of each field. */
export type Offsets<F extends string> = Readonly<Record<F, number>>;

/** Gives doubles and words their places from `start`, which is even, on. */
function placeFields<D extends string, W extends string>(
  start: number,
  doubles: readonly D[],
  words: readonly W[],
): Offsets<D | W> {
  const offsets: Partial<Record<D | W, number>> = {};
  let at = start;
  for (const name of doubles) {
    offsets[name] = at;
    at += 2;
  }
  for (const name of words) offsets[name] = at++;
  if (at > ROW_WORDS) throw new RangeError(`a row of ${at} words does not fit into ${ROW_WORDS}`);
  return offsets as Offsets<D | W>;
}

const COMMON_WORDS = [
  "hash",
  "marks",
  "sourceOwner",
  "replyOwner",
  "decision",
  "generation",
  "sourceDevice",
  "replyDevice",
] as const;
const FLOW_DOUBLES = ["sinceMs", "closedMs", "toldUpToMs"] as const;
const FLOW_FIELDS = ["born", "epoch", "ringNext", "ringHead", "ringTail", "exitHash"] as const;
const PAIR_FIELDS = ["lowNetns", "highNetns", "lowIdentity", "highIdentity", "lowIndex", "highIndex"] as const;

/** Where a row's own words of every kind end. */
const OWN = FLOW_WORDS + COMMON_WORDS.length;

/** Fields of every connection. "Source" is the original source, "reply" the reply source: the two real ends. */
export const COMMON: Offsets<(typeof COMMON_WORDS)[number]> = placeFields(FLOW_WORDS, [], COMMON_WORDS);

/** Fields of a connection that conntrack told of. */
export const FLOW_OWN: Offsets<(typeof FLOW_DOUBLES)[number] | (typeof FLOW_FIELDS)[number]> = placeFields(
  OWN,
  FLOW_DOUBLES,
  FLOW_FIELDS,
);

/** Fields of a connection that only sockets show. */
export const PAIR_OWN: Offsets<(typeof PAIR_FIELDS)[number]> = placeFields(OWN, [], PAIR_FIELDS);

/** Both layouts, field by field: its first word and how many it has. */
export const ROW_LAYOUTS: Readonly<Record<"flow" | "pair", readonly RowField[]>> = {
  flow: [...flowFields(), ...fields(COMMON, []), ...fields(FLOW_OWN, FLOW_DOUBLES)],
  pair: [...flowFields(), ...fields(COMMON, []), ...fields(PAIR_OWN, [])],
};

/** A field of a layout. */
export interface RowField {
  readonly name: string;
  readonly at: number;
  readonly words: number;
}

function fields(offsets: Offsets<string>, doubles: readonly string[]): RowField[] {
  return Object.entries(offsets).map(([name, at]) => ({ name, at, words: doubles.includes(name) ? 2 : 1 }));
}

/** The model's own fields: an address has four words, a double two. */
function flowFields(): RowField[] {
  const entries = Object.entries(FLOW);
  return entries.map(([name, at], i) => ({ name, at, words: (entries[i + 1]?.[1] ?? FLOW_WORDS) - at }));
}
