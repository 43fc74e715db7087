/**
 * Recognises copies of an event. An nlmon interface sees a multicast message once for each socket that gets it
 * (net/netlink/af_netlink.c, netlink_deliver_tap), one close upon the other and equal to the last bit; a second DESTROY would be a
 * second connection.
 */

/** Events that are remembered: copies made on one processor may be mingled with events of the others. */
const REMEMBERED = 128;

const FNV_PRIME = 0x01000193;
const FNV_OFFSET = 0x811c9dc5;

/** Remembers the latest events by two hashes of 32 bits (FNV-1a from different beginnings). */
export class CopyFilter {
  /** Copies found. */
  copies = 0;
  readonly #first = new Uint32Array(REMEMBERED);
  readonly #second = new Uint32Array(REMEMBERED);
  #next = 0;

  /** True when these bytes came just before; otherwise they are remembered. */
  isCopy(bytes: Uint8Array, offset: number, length: number): boolean {
    let a = FNV_OFFSET;
    let b = FNV_OFFSET ^ length ^ 0x5bd1e995;
    for (let i = offset; i < offset + length; i++) {
      const byte = bytes[i]!;
      a = Math.imul(a ^ byte, FNV_PRIME);
      b = Math.imul(b ^ byte ^ 0x5a, FNV_PRIME) + 1;
    }
    a >>>= 0;
    b >>>= 0;
    for (let i = 0; i < REMEMBERED; i++) {
      if (this.#first[i] === a && this.#second[i] === b) {
        this.copies++;
        return true;
      }
    }
    this.#first[this.#next] = a;
    this.#second[this.#next] = b;
    this.#next = (this.#next + 1) % REMEMBERED;
    return false;
  }
}
