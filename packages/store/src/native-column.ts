/**
 * Columns that grow row by row and are laid out as ClickHouse's format Native has them: little-endian numbers, addresses in network order, repeated
 * texts as a dictionary and numbers into it. Written from ClickHouse's `docs/en/native-protocol/columns.md` and SerializationLowCardinality.cpp.
 */
import { networkWord } from "@conntrail/model";

/** A column of a block: what it is called on the server, and its bytes. */
export interface NativeColumn {
  /** As ClickHouse writes types. */
  readonly type: string;
  /** The bytes of `rows` rows, in pieces that stay valid only until the next row. */
  pieces(rows: number): readonly Uint8Array[];
}

const FIRST_BYTES = 4096;
const ADDRESS_BYTES = 16;
const TWO_TO_32 = 2 ** 32;

/** Room that doubles. */
class Room {
  view = new DataView(new ArrayBuffer(FIRST_BYTES));
  at = 0;

  /** Where the next `bytes` go. */
  take(bytes: number): number {
    if (this.at + bytes > this.view.byteLength) {
      const larger = new Uint8Array(this.view.byteLength * 2);
      larger.set(new Uint8Array(this.view.buffer));
      this.view = new DataView(larger.buffer);
    }
    const at = this.at;
    this.at += bytes;
    return at;
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, 0, this.at);
  }
}

/** Whole numbers of 0 or more, in 1, 2, 4 or 8 bytes; those of 8 also as a bigint, for a double holds no digits beyond 2^53. */
export class NumberColumn implements NativeColumn {
  readonly type: string;
  readonly #width: 1 | 2 | 4 | 8;
  readonly #room = new Room();

  constructor(type: string, width: 1 | 2 | 4 | 8) {
    this.type = type;
    this.#width = width;
  }

  push(value: number | bigint): void {
    const at = this.#room.take(this.#width);
    const { view } = this.#room;
    if (typeof value === "bigint") {
      if (this.#width !== 8) throw new RangeError(`${this.type}: expected a number, got a bigint`);
      view.setBigUint64(at, value, true);
    } else if (this.#width === 1) view.setUint8(at, value);
    else if (this.#width === 2) view.setUint16(at, value, true);
    else if (this.#width === 4) view.setUint32(at, value, true);
    else {
      view.setUint32(at, value % TWO_TO_32, true);
      view.setUint32(at + 4, value / TWO_TO_32, true);
    }
  }

  pieces(): readonly Uint8Array[] {
    return [this.#room.bytes];
  }
}

/** Addresses as IPv6, those of IPv4 mapped. */
export class AddressColumn implements NativeColumn {
  readonly type = "IPv6";
  readonly #room = new Room();

  /** The address whose four words begin at `offset`. */
  push(words: Uint32Array, offset: number): void {
    const at = this.#room.take(ADDRESS_BYTES);
    const { view } = this.#room;
    for (let i = 0; i < 4; i++) view.setUint32(at + 4 * i, networkWord(words[offset + i]!));
  }

  /** `::`, which stands for none. */
  pushNone(): void {
    this.push(NO_ADDRESS, 0);
  }

  pieces(): readonly Uint8Array[] {
    return [this.#room.bytes];
  }
}

const NO_ADDRESS = new Uint32Array(4);

/** Texts of which few are different. */
export class TextColumn implements NativeColumn {
  readonly type = "LowCardinality(String)";
  readonly #numbers = new Map<string, number>();
  readonly #room = new Room();
  #last: string | undefined;
  #lastNumber = 0;

  push(text: string): void {
    if (text !== this.#last) {
      let number = this.#numbers.get(text);
      if (number === undefined) {
        number = this.#numbers.size;
        this.#numbers.set(text, number);
      }
      this.#last = text;
      this.#lastNumber = number;
    }
    const at = this.#room.take(4);
    this.#room.view.setUint32(at, this.#lastNumber, true);
  }

  pieces(rows: number): readonly Uint8Array[] {
    const { size } = this.#numbers;
    const width = size <= 0x100 ? 1 : size <= 0x1_0000 ? 2 : 4;
    return [
      words64(1, Math.log2(width) | HAS_KEYS | NEW_KEYS, size),
      ...Array.from(this.#numbers.keys(), nativeText),
      words64(rows),
      this.#narrowed(rows, width),
    ];
  }

  /** The rows' numbers in as few bytes as the dictionary needs. */
  #narrowed(rows: number, width: 1 | 2 | 4): Uint8Array {
    const numbers = this.#room.view;
    if (width === 4) return this.#room.bytes;
    const narrow = new DataView(new ArrayBuffer(rows * width));
    for (let row = 0; row < rows; row++) {
      const number = numbers.getUint32(4 * row, true);
      if (width === 1) narrow.setUint8(row, number);
      else narrow.setUint16(2 * row, number, true);
    }
    return new Uint8Array(narrow.buffer);
  }
}

/** The block has a dictionary of its own, and nothing was said of one before. */
const HAS_KEYS = 1 << 9;
const NEW_KEYS = 1 << 10;

function words64(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 8));
  for (const [i, value] of values.entries()) view.setUint32(8 * i, value, true);
  return new Uint8Array(view.buffer);
}

/** A number as LEB128. */
export function nativeLength(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}

/** A text behind its length in bytes. */
export function nativeText(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  return Buffer.concat([nativeLength(bytes.length), bytes]);
}
