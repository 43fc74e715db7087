/**
 * What was last told of each connection, as one word for each of its members that may change (CHANGED_MEMBER of the model): enough to see that something is another, not what it
 * was. Found by the connection's number.
 */
import { addEntry, createHashIndex, entryValue, firstEntry, nextEntry, removeEntry } from "../rows/hash-index.ts";

/** Words of a connection: state, direction, owners, names, and everything else. */
export const TOLD_WORDS = 5;

const FIRST_PLACES = 1_024;

/** The connections that were told. */
export class ToldConnections {
  /** What was told: TOLD_WORDS at each place. */
  words: Uint32Array = new Uint32Array(FIRST_PLACES * TOLD_WORDS);
  readonly #index = createHashIndex(FIRST_PLACES);
  #ids = new Float64Array(FIRST_PLACES);
  #over = new Uint8Array(FIRST_PLACES);
  /** The look at all connections that last met it. */
  #looks = new Uint32Array(FIRST_PLACES);
  #look = 0;
  readonly #free: number[] = [];
  #used = 0;

  /** The place of a connection, or -1. */
  find(id: number): number {
    const hash = hashOf(id);
    for (let at = firstEntry(this.#index, hash); at >= 0; at = nextEntry(this.#index, hash, at)) {
      const place = entryValue(this.#index, at);
      if (this.#ids[place] === id) return place;
    }
    return -1;
  }

  /** A place for a connection that has none. */
  add(id: number): number {
    const place = this.#free.pop() ?? this.#used++;
    if (place >= this.#ids.length) this.#grow();
    this.#ids[place] = id;
    this.#over[place] = 0;
    this.#looks[place] = this.#look;
    addEntry(this.#index, hashOf(id), place);
    return place;
  }

  /** Forgets a connection. */
  remove(place: number): void {
    const id = this.#ids[place]!;
    removeEntry(this.#index, hashOf(id), place);
    this.#ids[place] = 0;
    this.#free.push(place);
  }

  /** Its end was told. */
  isOver(place: number): boolean {
    return this.#over[place] === 1;
  }

  setOver(place: number, isOver: boolean): void {
    this.#over[place] = isOver ? 1 : 0;
  }

  /** Begins a look at all connections. */
  beginLook(): void {
    this.#look = (this.#look + 1) >>> 0;
  }

  /** The look has met it. */
  meet(place: number): void {
    this.#looks[place] = this.#look;
  }

  /** Forgets those that the look has not met. `gone` is told the ids of those whose end was not told. */
  endLook(gone: (id: number) => void): void {
    for (let place = 0; place < this.#used; place++) {
      const id = this.#ids[place]!;
      if (id === 0 || this.#looks[place] === this.#look) continue;
      if (!this.isOver(place)) gone(id);
      this.remove(place);
    }
  }

  #grow(): void {
    const places = this.#ids.length * 2;
    const { words } = this;
    const [ids, over, looks] = [this.#ids, this.#over, this.#looks];
    this.words = new Uint32Array(places * TOLD_WORDS);
    this.#ids = new Float64Array(places);
    this.#over = new Uint8Array(places);
    this.#looks = new Uint32Array(places);
    this.words.set(words);
    this.#ids.set(ids);
    this.#over.set(over);
    this.#looks.set(looks);
  }
}

/** 31 bits (hash-index.ts). */
function hashOf(id: number): number {
  return (Math.imul(id >>> 0, 0x9e3779b1) ^ Math.floor(id / 4_294_967_296)) >>> 1;
}
