/** The names of addresses within one snapshot: each address is asked for once. */
import { ADDRESS_WORDS, sameAddress } from "@conntrail/model";
import {
  addEntry,
  createHashIndex,
  entryValue,
  firstEntry,
  type HashIndex,
  nextEntry,
  resetHashIndex,
} from "../rows/hash-index.ts";
import { addressHash } from "../rows/tuple-hash.ts";

/** The addresses seen so far. Entry `i` is at `words[4i]`; `places[i]` is 1 + the place of its names, 0 = none. */
export interface AddressNames {
  readonly index: HashIndex;
  words: Uint32Array;
  places: Uint32Array;
  count: number;
}

const FIRST_SIZE = 256;

/** No addresses. */
export function createAddressNames(): AddressNames {
  return {
    index: createHashIndex(FIRST_SIZE),
    words: new Uint32Array(FIRST_SIZE * ADDRESS_WORDS),
    places: new Uint32Array(FIRST_SIZE),
    count: 0,
  };
}

/** Forgets all addresses, for the next snapshot. */
export function resetAddressNames(seen: AddressNames): void {
  resetHashIndex(seen.index, FIRST_SIZE);
  seen.count = 0;
}

/** The place of an address's names in `names` (1-based, 0 = none known); `get` is asked when the address is new. */
export function placeNames(
  seen: AddressNames,
  names: (readonly string[])[],
  get: (words: Uint32Array, offset: number) => readonly string[] | undefined,
  words: Uint32Array,
  offset: number,
): number {
  const hash = addressHash(words, offset);
  for (let at = firstEntry(seen.index, hash); at >= 0; at = nextEntry(seen.index, hash, at)) {
    const entry = entryValue(seen.index, at);
    if (sameAddress(seen.words, entry * ADDRESS_WORDS, words, offset)) return seen.places[entry]!;
  }
  const found = get(words, offset);
  const place = found === undefined || found.length === 0 ? 0 : names.push(found);
  remember(seen, hash, words, offset, place);
  return place;
}

function remember(seen: AddressNames, hash: number, words: Uint32Array, offset: number, place: number): void {
  const entry = seen.count++;
  if (entry === seen.places.length) {
    seen.words = grown(seen.words);
    seen.places = grown(seen.places);
  }
  for (let i = 0; i < ADDRESS_WORDS; i++) seen.words[entry * ADDRESS_WORDS + i] = words[offset + i]!;
  seen.places[entry] = place;
  addEntry(seen.index, hash, entry);
}

function grown(array: Uint32Array): Uint32Array {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
