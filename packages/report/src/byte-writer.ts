/**
 * Bytes in the making: a block that grows, and the few things that encoders write into it without making a string first:
 * fragments known beforehand, unsigned numbers, text. Fragments are copied word by word (up to three bytes past their
 * end, which the next write covers): four times as fast as byte by byte, and no call leaves JavaScript.
 */

/** Text that will be written many times: its UTF-8 bytes, padded with zeros to whole little-endian words. */
export interface Fragment {
  readonly words: Uint32Array;
  /** Bytes without the padding. */
  readonly length: number;
}

/** Room beyond the last byte that a write may spill into. */
const SLACK_BYTES = 32;

const LITTLE_ENDIAN = true;
const TEN_THOUSAND = 10_000;
const HUNDRED_MILLION = 100_000_000;

/** The fragment of `text`. A lone surrogate becomes U+FFFD. */
export function fragment(text: string): Fragment {
  const bytes = Buffer.from(text, "utf8");
  const padded = Buffer.alloc((bytes.length + 3) & ~3);
  bytes.copy(padded);
  const words = new Uint32Array(padded.length / 4);
  for (let i = 0; i < words.length; i++) words[i] = padded.readUInt32LE(i * 4);
  return { words, length: bytes.length };
}

/** A block that grows by doubling. `position` is the number of bytes written. */
export class ByteWriter {
  /** The block; replaced when it grows. */
  view: DataView<ArrayBuffer>;
  position = 0;
  #limit: number;

  /** `spare`: a block of an earlier writer that nobody reads any more; it is used where it is large enough. */
  constructor(capacity: number, spare?: ArrayBuffer) {
    const bytes = Math.max(64, capacity) + SLACK_BYTES;
    // Not zeroed: every byte below `position` is written before it is read.
    const block = spare !== undefined && spare.byteLength >= bytes ? spare : Buffer.allocUnsafeSlow(bytes).buffer;
    this.view = new DataView(block);
    this.#limit = block.byteLength - SLACK_BYTES;
  }

  /** Makes room for `length` more bytes, besides the slack. */
  reserve(length: number): void {
    if (this.position + length > this.#limit) this.#grow(length);
  }

  /** Writes a fragment. */
  put({ words, length }: Fragment): void {
    this.reserve(length);
    const view = this.view;
    let at = this.position;
    for (let i = 0; i < words.length; i++, at += 4) view.setUint32(at, words[i]!, LITTLE_ENDIAN);
    this.position += length;
  }

  /** Writes one byte. */
  putByte(byte: number): void {
    this.reserve(1);
    this.view.setUint8(this.position++, byte);
  }

  /** Writes a whole number from 0 to 2^53 - 1 in decimal. */
  putUnsigned(value: number): void {
    this.reserve(16);
    if (value < TEN_THOUSAND) this.#putLead(value);
    else if (value < HUNDRED_MILLION) {
      const high = (value / TEN_THOUSAND) | 0;
      this.#putLead(high);
      this.putFourDigits(value - high * TEN_THOUSAND);
    } else {
      const high = Math.floor(value / HUNDRED_MILLION);
      this.putUnsigned(high);
      const low = value - high * HUNDRED_MILLION;
      const middle = (low / TEN_THOUSAND) | 0;
      this.putFourDigits(middle);
      this.putFourDigits(low - middle * TEN_THOUSAND);
    }
  }

  /** Writes a number below 10,000 as four digits. */
  putFourDigits(value: number): void {
    this.view.setUint32(this.position, PADDED[value]!, LITTLE_ENDIAN);
    this.position += 4;
  }

  /** Writes a string as UTF-8. A lone surrogate becomes U+FFFD. */
  putText(text: string): void {
    this.reserve(text.length * 3);
    const block = Buffer.from(this.view.buffer, this.position, text.length * 3);
    this.position += block.write(text, "utf8");
  }

  /** Writes bytes as they are. */
  putBytes(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    new Uint8Array(this.view.buffer).set(bytes, this.position);
    this.position += bytes.length;
  }

  /** Takes back the last bytes. */
  takeBack(length: number): void {
    this.position -= length;
  }

  /** Everything written, as a view of the block: it starts at the block's first byte, and the block is the caller's now. */
  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.view.buffer, 0, this.position);
  }

  #putLead(value: number): void {
    this.view.setUint32(this.position, LEAD[value]!, LITTLE_ENDIAN);
    this.position += LEAD_LENGTH[value]!;
  }

  #grow(length: number): void {
    const block = Buffer.allocUnsafeSlow(Math.max(2 * this.#limit, this.position + length) + SLACK_BYTES);
    block.set(new Uint8Array(this.view.buffer, 0, this.position));
    this.view = new DataView(block.buffer);
    this.#limit = block.length - SLACK_BYTES;
  }
}

// Every number below 10,000 as ASCII in a little-endian word: with leading zeros, and without them and the count of digits.
const PADDED = new Uint32Array(TEN_THOUSAND);
const LEAD = new Uint32Array(TEN_THOUSAND);
const LEAD_LENGTH = new Uint8Array(TEN_THOUSAND);
for (let value = 0; value < TEN_THOUSAND; value++) {
  const text = String(value);
  PADDED[value] = fragment(text.padStart(4, "0")).words[0]!;
  LEAD[value] = fragment(text).words[0]!;
  LEAD_LENGTH[value] = text.length;
}
