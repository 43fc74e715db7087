/**
 * The marks of a row in the flow table, kept in its word `TABLE_ROW.marks`. The low byte holds flags, the rest the
 * generation: the number of the namespace's dump in or after which the row was last seen, by a dump row or an event.
 */

/** Flags of a row. Bits 1 and 2 are the table's. */
export const MARK = {
  live: 1, // the slot is in use
  listed: 2, // the slot is in the list of changes; stays with the slot when its row goes
  dirty: 4, // the row is to be emitted
  told: 8, // its closing was emitted (then also known), or is not to be: the row stays as a marker until the kernel is done with the flow
  byEvent: 0x10, // seen by an event in its generation: rows of that dump are older, or as old
  dead: 0x20, // destroyed while a dump was open: keeps older dump rows from bringing it back, goes at the dump's end
  reopened: 0x80, // told, but shown open again by the open dump: a new flow, told at the dump's end unless an event tells before
  known: 0x40, // was emitted: its end must be told by a row of its own
} as const;

const GENERATION_SHIFT = 8;

/** Generations run from 1 to this and start again. */
export const MAX_GENERATION = 0xffffff;

/** The generation of a row's marks. */
export function generationOf(marks: number): number {
  return marks >>> GENERATION_SHIFT;
}

/** The marks with another generation, seen there by an event or not. */
export function seenIn(marks: number, generation: number, byEvent: boolean): number {
  return (marks & 0xff & ~MARK.byEvent) | (byEvent ? MARK.byEvent : 0) | (generation << GENERATION_SHIFT);
}
