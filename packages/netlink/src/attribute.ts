/**
 * Netlink attributes: `struct nlattr`, `linux/netlink.h`. An attribute is its length (u16, header included), its type (u16, two
 * flags on top), both in host order, a payload, and padding to a multiple of 4. Attributes may hold attributes.
 */
import { align4 } from "./align.ts";
import { LITTLE_ENDIAN } from "./byte-order.ts";
import { DecodeError, type DecodeErrorCode } from "./errors.ts";
import { NLA_HEADER_BYTES, NLA_TYPE_MASK } from "./netlink-enum.ts";
import { viewOf } from "./view.ts";

/**
 * Walks attributes without allocating: set it with `over`, then `next()` until false. `type`, `start` and `length` describe the current
 * attribute; the readers check its length. `nested()` gives a cursor over its payload, the same one each time. Every failure is
 * a DecodeError whose path names the attributes from the outside in.
 */
export class AttributeCursor {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Type of the current attribute, without flags. */
  type = 0;
  /** Offset of its payload. */
  start = 0;
  /** Bytes of its payload. */
  length = 0;
  #next = 0;
  #limit = 0;
  #name = "";
  readonly #parent: AttributeCursor | undefined;
  #child: AttributeCursor | undefined;

  constructor(bytes: Uint8Array, view: DataView = viewOf(bytes), parent?: AttributeCursor) {
    this.bytes = bytes;
    this.view = view;
    this.#parent = parent;
    this.#limit = bytes.length;
  }

  /** Starts again at offset `start`, ending before `end`, or where the bytes end. */
  over(start: number, end: number): this {
    this.#next = start;
    this.#limit = Math.min(end, this.bytes.length);
    return this;
  }

  /** Goes on to the next attribute; false at the end. Throws DecodeError for a header that cannot be; the rest is then passed over. */
  next(): boolean {
    const offset = this.#next;
    const left = this.#limit - offset;
    if (left <= 0) return false;
    if (left < NLA_HEADER_BYTES) {
      throw this.#stop("truncated", offset, `expected an attribute of ${NLA_HEADER_BYTES} bytes, got ${left}`);
    }
    const length = this.view.getUint16(offset, LITTLE_ENDIAN);
    if (length < NLA_HEADER_BYTES) {
      throw this.#stop("bad-length", offset, `expected an attribute of ${NLA_HEADER_BYTES} bytes, got ${length}`);
    }
    if (length > left) throw this.#stop("truncated", offset, `expected an attribute of ${length} bytes, got ${left}`);
    this.type = this.view.getUint16(offset + 2, LITTLE_ENDIAN) & NLA_TYPE_MASK;
    this.start = offset + NLA_HEADER_BYTES;
    this.length = length - NLA_HEADER_BYTES;
    this.#next = offset + align4(length);
    return true;
  }

  /** A cursor over the attributes inside the current one, which errors call `name`. Valid until the next call. */
  nested(name: string): AttributeCursor {
    this.#child ??= new AttributeCursor(this.bytes, this.view, this);
    this.#child.#name = name;
    return this.#child.over(this.start, this.start + this.length);
  }

  /**
   * The payload as an unsigned byte; `name` is for errors, here and below. A number whose payload is longer is read from the payload's front, as the
   * kernel reads it (`nla_get_u8` behind a policy of NLA_U8): some programs send a zone of four bytes.
   */
  u8(name: string): number {
    this.#has(1, name);
    return this.bytes[this.start]!;
  }

  /** The payload as an unsigned 16-bit number in network order. */
  u16be(name: string): number {
    this.#has(2, name);
    return this.view.getUint16(this.start);
  }

  /** The payload as an unsigned 32-bit number in network order. */
  u32be(name: string): number {
    this.#has(4, name);
    return this.view.getUint32(this.start);
  }

  /** The payload as an unsigned 32-bit number in host order. */
  u32(name: string): number {
    this.#has(4, name);
    return this.view.getUint32(this.start, LITTLE_ENDIAN);
  }

  /** The payload as an unsigned 64-bit number in network order. */
  u64be(name: string): bigint {
    this.#has(8, name);
    return this.view.getBigUint64(this.start);
  }

  /** The payload as an unsigned 64-bit number in host order. */
  u64(name: string): bigint {
    this.#has(8, name);
    return this.view.getBigUint64(this.start, LITTLE_ENDIAN);
  }

  /** A copy of the payload. */
  copy(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.bytes.subarray(this.start, this.start + this.length));
  }

  /** The payload as text, up to the first NUL: Latin-1, so that any bytes are a text. */
  text(): string {
    let text = "";
    for (let i = this.start; i < this.start + this.length && this.bytes[i] !== 0; i++) {
      text += String.fromCharCode(this.bytes[i]!);
    }
    return text;
  }

  /** Throws DecodeError unless the payload is exactly `bytes` long. */
  expect(bytes: number, name: string): void {
    this.#has(bytes, name);
    if (this.length > bytes) throw this.error("bad-length", `${name}: expected ${bytes} bytes, got ${this.length}`);
  }

  /** The DecodeError for something about the current attribute or what is missing beside it. */
  error(code: DecodeErrorCode, facts: string): DecodeError {
    return new DecodeError(code, this.start, this.#path(), facts);
  }

  #has(bytes: number, name: string): void {
    if (this.length < bytes) throw this.error("truncated", `${name}: expected ${bytes} bytes, got ${this.length}`);
  }

  #stop(code: DecodeErrorCode, offset: number, facts: string): DecodeError {
    this.#next = this.#limit;
    return new DecodeError(code, offset, this.#path(), facts);
  }

  #path(): string {
    if (this.#parent === undefined) return this.#name;
    const outer = this.#parent.#path();
    return outer === "" ? this.#name : `${outer}: ${this.#name}`;
  }
}
