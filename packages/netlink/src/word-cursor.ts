/**
 * Walks netlink attributes by the words of a receive block, without an exception, an object or a DataView: for decoders that run
 * once per event. What `AttributeCursor` takes this takes, and what that refuses this refuses. Source: `struct nlattr`, `linux/netlink.h`.
 */
import { align4 } from "./align.ts";
import { attributeLength, attributeType, firstByte, firstHalf, wholeWord } from "./attribute-words.ts";
import { NLA_HEADER_BYTES } from "./netlink-enum.ts";

const TWO_32 = 2 ** 32;

/**
 * A cursor whose failure sticks: set it with `over`, `next()` until false, and ask `failed` once at the end. The readers give 0 for a payload that is too
 * short, and read a longer one from its front. Offsets are bytes and multiples of 4.
 */
export class WordCursor {
  words: Uint32Array;
  /** Type of the current attribute, without flags. */
  type = 0;
  /** Word index of its payload. */
  at = 0;
  /** Bytes of its payload. */
  length = 0;
  /** A length was wrong, here or inside. */
  failed = false;
  #next = 0;
  #end = 0;
  readonly #parent: WordCursor | undefined;
  #child: WordCursor | undefined;

  constructor(words: Uint32Array = new Uint32Array(0), parent?: WordCursor) {
    this.words = words;
    this.#parent = parent;
  }

  /** Starts again over the bytes from `start` to `end` of `words`, all of which must be there. */
  over(words: Uint32Array, start: number, end: number): this {
    this.words = words;
    this.#next = start;
    this.#end = end;
    this.failed = false;
    return this;
  }

  /** Goes on to the next attribute; false at the end, and after a failure. */
  next(): boolean {
    const start = this.#next;
    const left = this.#end - start;
    if (left <= 0) return false;
    if (left < NLA_HEADER_BYTES) return this.fail();
    const header = this.words[start >> 2]!;
    const length = attributeLength(header);
    if (length < NLA_HEADER_BYTES || length > left) return this.fail();
    this.type = attributeType(header);
    this.at = (start >> 2) + 1;
    this.length = length - NLA_HEADER_BYTES;
    this.#next = start + align4(length);
    return true;
  }

  /** A cursor over the attributes inside the current one; valid until the next call. Its failure is this one's too. */
  nested(): WordCursor {
    this.#child ??= new WordCursor(this.words, this);
    const start = this.at * 4;
    return this.#child.over(this.words, start, start + this.length);
  }

  /** The payload's first byte. */
  u8(): number {
    return this.has(1) ? firstByte(this.words[this.at]!) : 0;
  }

  /** Its first 16 bits, in network order. */
  u16be(): number {
    return this.has(2) ? firstHalf(this.words[this.at]!) : 0;
  }

  /** Its first 32 bits, in network order. */
  u32be(): number {
    return this.has(4) ? wholeWord(this.words[this.at]!) : 0;
  }

  /** Its first 64 bits, in network order, as a double: exact up to 2^53. */
  u64be(): number {
    return this.has(8) ? wholeWord(this.words[this.at]!) * TWO_32 + wholeWord(this.words[this.at + 1]!) : 0;
  }

  /** True when the payload has at least `bytes`; a failure otherwise. */
  has(bytes: number): boolean {
    return this.length >= bytes || this.fail();
  }

  /** Ends the walk as failed; returns false. */
  fail(): false {
    this.failed = true;
    this.#next = this.#end;
    this.#parent?.fail();
    return false;
  }
}
