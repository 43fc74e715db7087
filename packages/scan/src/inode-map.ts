/**
 * A map from inode to a small number in two typed arrays: open addressing with linear probing, at most half full. A scan asks it once or
 * twice for each socket of the host, which a Map of 50,000 numbers answers three times slower.
 */

const FIRST_CAPACITY = 4096;
/** 2^32 divided by the golden ratio: spreads consecutive inodes (Knuth, The Art of Computer Programming 3, 6.4). */
const SPREAD = 0x9e3779b1;

/** Keys are inodes above 0. */
export class InodeMap {
  size = 0;
  #keys: Uint32Array;
  #values: Int32Array;

  /** With room for `expected` inodes before it grows. */
  constructor(expected = 0) {
    let capacity = FIRST_CAPACITY;
    while (capacity < expected * 2) capacity *= 2;
    this.#keys = new Uint32Array(capacity);
    this.#values = new Int32Array(capacity);
  }

  has(inode: number): boolean {
    return this.#keys[this.#find(inode)] === inode;
  }

  /** The inodes, in no order; a copy. */
  keys(): Uint32Array {
    const found = new Uint32Array(this.size);
    let length = 0;
    for (let i = 0; i < this.#keys.length; i++) {
      const key = this.#keys[i]!;
      if (key !== 0) found[length++] = key;
    }
    return found;
  }

  /** -1 when there is none. */
  get(inode: number): number {
    const at = this.#find(inode);
    return this.#keys[at] === inode ? this.#values[at]! : -1;
  }

  set(inode: number, value: number): void {
    let at = this.#find(inode);
    if (this.#keys[at] !== inode) {
      if (++this.size * 2 > this.#keys.length) {
        this.#grow();
        at = this.#find(inode);
      }
      this.#keys[at] = inode;
    }
    this.#values[at] = value;
  }

  delete(inode: number): void {
    const mask = this.#keys.length - 1;
    let hole = this.#find(inode);
    if (this.#keys[hole] !== inode) return;
    this.size--;
    // Moves back what the hole would hide: an entry may fill it unless its own place lies between the hole and the entry.
    for (let at = (hole + 1) & mask; this.#keys[at] !== 0; at = (at + 1) & mask) {
      const home = this.#home(this.#keys[at]!);
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.#keys[hole] = this.#keys[at]!;
      this.#values[hole] = this.#values[at]!;
      hole = at;
    }
    this.#keys[hole] = 0;
  }

  /** Where the inode is, or where it would go. */
  #find(inode: number): number {
    const mask = this.#keys.length - 1;
    let at = this.#home(inode);
    while (this.#keys[at] !== 0 && this.#keys[at] !== inode) at = (at + 1) & mask;
    return at;
  }

  #home(inode: number): number {
    return (Math.imul(inode, SPREAD) >>> 7) & (this.#keys.length - 1);
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = new Uint32Array(keys.length * 2);
    this.#values = new Int32Array(values.length * 2);
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] === 0) continue;
      const at = this.#find(keys[i]!);
      this.#keys[at] = keys[i]!;
      this.#values[at] = values[i]!;
    }
  }
}
