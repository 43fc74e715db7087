/** Writes netlink messages one after the other: the inverse of message.ts and attribute.ts. */
import { align4 } from "./align.ts";
import { LITTLE_ENDIAN } from "./byte-order.ts";
import { NLA_FLAG, NLA_HEADER_BYTES, NLMSG_HEADER_BYTES, NLMSG_OFFSET } from "./netlink-enum.ts";
import { viewOf } from "./view.ts";

/** The header of a message to write. */
export interface MessageHeader {
  readonly type: number;
  readonly flags: number;
  readonly sequence?: number;
  readonly portId?: number;
}

/**
 * A growing block of whole messages: `begin`, then payload and attributes, then `end`. Throws RangeError for an attribute of more than
 * 65,535 bytes.
 */
export class MessageWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;
  #message = 0;

  constructor(capacityBytes = 1024) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = viewOf(this.#bytes);
  }

  /** What was written: a view, valid until the next call of any other method. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Forgets everything, keeps the memory. */
  reset(): void {
    this.#length = 0;
  }

  /** Starts a message. */
  begin(header: MessageHeader): void {
    this.#message = this.#length;
    const offset = this.#take(NLMSG_HEADER_BYTES);
    this.#view.setUint16(offset + NLMSG_OFFSET.type, header.type, LITTLE_ENDIAN);
    this.#view.setUint16(offset + NLMSG_OFFSET.flags, header.flags, LITTLE_ENDIAN);
    this.#view.setUint32(offset + NLMSG_OFFSET.sequence, header.sequence ?? 0, LITTLE_ENDIAN);
    this.#view.setUint32(offset + NLMSG_OFFSET.portId, header.portId ?? 0, LITTLE_ENDIAN);
  }

  /** Completes the message: writes its length. */
  end(): void {
    this.#view.setUint32(this.#message, this.#length - this.#message, LITTLE_ENDIAN);
  }

  /** Appends a payload, padded. */
  raw(bytes: Uint8Array): void {
    const offset = this.#take(align4(bytes.length));
    this.#bytes.set(bytes, offset);
  }

  /** Starts an attribute that holds attributes; returns what `endNested` takes. */
  beginNested(type: number): number {
    return this.#attribute(type | NLA_FLAG.nested, 0) - NLA_HEADER_BYTES;
  }

  /** Completes a nested attribute. */
  endNested(offset: number): void {
    const length = this.#length - offset;
    if (length > 0xffff) throw new RangeError(`an attribute has at most 65,535 bytes, not ${length}`);
    this.#view.setUint16(offset, length, LITTLE_ENDIAN);
  }

  u8(type: number, value: number): void {
    this.#bytes[this.#attribute(type, 1)] = value;
  }

  u16be(type: number, value: number): void {
    const offset = this.#attribute(type, 2);
    this.#view.setUint16(offset, value);
  }

  u32be(type: number, value: number): void {
    const offset = this.#attribute(type, 4);
    this.#view.setUint32(offset, value);
  }

  /** In host order. */
  u32(type: number, value: number): void {
    const offset = this.#attribute(type, 4);
    this.#view.setUint32(offset, value, LITTLE_ENDIAN);
  }

  u64be(type: number, value: bigint): void {
    const offset = this.#attribute(type, 8);
    this.#view.setBigUint64(offset, value);
  }

  bytesOf(type: number, value: Uint8Array): void {
    const offset = this.#attribute(type, value.length);
    this.#bytes.set(value, offset);
  }

  /** Latin-1 text and a NUL. */
  text(type: number, value: string): void {
    const offset = this.#attribute(type, value.length + 1);
    for (let i = 0; i < value.length; i++) this.#bytes[offset + i] = value.charCodeAt(i);
  }

  /** Writes an attribute's header and makes room for its payload; returns the payload's offset. */
  #attribute(type: number, payloadBytes: number): number {
    const length = NLA_HEADER_BYTES + payloadBytes;
    if (length > 0xffff) throw new RangeError(`an attribute has at most 65,535 bytes, not ${length}`);
    const offset = this.#take(align4(length));
    this.#view.setUint16(offset, length, LITTLE_ENDIAN);
    this.#view.setUint16(offset + 2, type, LITTLE_ENDIAN);
    return offset + NLA_HEADER_BYTES;
  }

  /** Makes room for `bytes` zero bytes; returns their offset. */
  #take(bytes: number): number {
    const offset = this.#length;
    const length = offset + bytes;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = viewOf(grown);
    } else {
      this.#bytes.fill(0, offset, length);
    }
    this.#length = length;
    return offset;
  }
}
