/**
 * An open-addressing index from 31-bit hashes to small numbers: linear probing over one array of (value + 1, hash)
 * pairs, deletion by shifting back (Knuth, TAOCP 6.4, algorithm R). The hash lies beside the value, so a probe touches no
 * row before the hashes agree. Several values may have one hash; the caller compares keys.
 * 31 bits, because V8 passes such a number about without allocating.
 */

/** The index. `entries[2i]` is 1 + value (0 = empty), `entries[2i + 1]` its hash. */
export interface HashIndex {
  entries: Uint32Array;
  mask: number;
  used: number;
}

/** An empty index with room for `expected` values. */
export function createHashIndex(expected: number): HashIndex {
  const size = sizeFor(expected);
  return { entries: new Uint32Array(size * 2), mask: size - 1, used: 0 };
}

/** Empties the index and makes room for `expected` values, in the memory it has where that is enough. */
export function resetHashIndex(index: HashIndex, expected: number): void {
  const size = sizeFor(expected);
  if (size > index.mask + 1) index.entries = new Uint32Array(size * 2);
  else index.entries.fill(0);
  index.mask = index.entries.length / 2 - 1;
  index.used = 0;
}

/** The position of the first entry with this hash, or -1. */
export function firstEntry(index: HashIndex, hash: number): number {
  return probe(index, hash, hash & index.mask);
}

/** The position of the next entry with this hash after `position`, or -1. */
export function nextEntry(index: HashIndex, hash: number, position: number): number {
  return probe(index, hash, (position + 1) & index.mask);
}

/** The value at a position that `firstEntry` or `nextEntry` returned. */
export function entryValue(index: HashIndex, position: number): number {
  return index.entries[position * 2]! - 1;
}

/** Adds a value; entries of one hash are found in no particular order. */
export function addEntry(index: HashIndex, hash: number, value: number): void {
  if ((index.used + 1) * 2 > index.mask + 1) grow(index);
  place(index, hash, value + 1);
  index.used++;
}

/** Removes a value that was added with this hash; does nothing when it is not there. */
export function removeEntry(index: HashIndex, hash: number, value: number): void {
  const { entries, mask } = index;
  let hole = firstEntry(index, hash);
  while (hole >= 0 && entries[hole * 2] !== value + 1) hole = nextEntry(index, hash, hole);
  if (hole < 0) return;
  for (let at = (hole + 1) & mask; entries[at * 2] !== 0; at = (at + 1) & mask) {
    const home = entries[at * 2 + 1]! & mask;
    // An entry may fill the hole unless its own place lies behind the hole.
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    entries[hole * 2] = entries[at * 2]!;
    entries[hole * 2 + 1] = entries[at * 2 + 1]!;
    hole = at;
  }
  entries[hole * 2] = 0;
  index.used--;
}

function probe(index: HashIndex, hash: number, start: number): number {
  const { entries, mask } = index;
  for (let at = start; entries[at * 2] !== 0; at = (at + 1) & mask) {
    if (entries[at * 2 + 1] === hash) return at;
  }
  return -1;
}

function place(index: HashIndex, hash: number, stored: number): void {
  const { entries, mask } = index;
  let at = hash & mask;
  while (entries[at * 2] !== 0) at = (at + 1) & mask;
  entries[at * 2] = stored;
  entries[at * 2 + 1] = hash;
}

function grow(index: HashIndex): void {
  const old = index.entries;
  index.entries = new Uint32Array(old.length * 2);
  index.mask = index.mask * 2 + 1;
  for (let i = 0; i < old.length; i += 2) if (old[i] !== 0) place(index, old[i + 1]!, old[i]!);
}

/** A power of two that is at most half full with `expected` values. */
function sizeFor(expected: number): number {
  return 2 ** Math.max(4, Math.ceil(Math.log2(Math.max(1, expected) * 2)));
}
