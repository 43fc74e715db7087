/**
 * Counters that a double does not hold: beyond 2^53. A flow's row has the nearest double; the digits travel beside the rows, as few flows need them (master-record.ts).
 */

/** Word offsets inside a record of `FlowBatch.exact`: each counter is two words, the high one first. */
export const EXACT = {
  serial: 0, // FLOW.serial of the flow
  originalPackets: 1,
  originalBytes: 3,
  replyPackets: 5,
  replyBytes: 7,
} as const;

/** Words in a record. */
export const EXACT_WORDS = 9;

/** Counters of a record of `Snapshot.exact`: packets and bytes from the opener, packets and bytes from the server. */
export const EXACT_COUNTERS = 4;
