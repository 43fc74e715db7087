/**
 * Netlink messages in a datagram: `struct nlmsghdr`, `linux/netlink.h`, netlink(7). A message is a header of 16 bytes in host order, a
 * payload, and padding to a multiple of 4.
 */
import { align4 } from "./align.ts";
import { LITTLE_ENDIAN } from "./byte-order.ts";
import { DecodeError } from "./errors.ts";
import { NLMSG_HEADER_BYTES, NLMSG_OFFSET } from "./netlink-enum.ts";
import { viewOf } from "./view.ts";

/**
 * Walks the messages in a stretch of bytes without allocating: set it with `over`, then `next()` until false. Fields describe
 * the current message. One cursor serves any number of stretches of the same bytes.
 */
export class MessageCursor {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Offset of the message's header. */
  offset = 0;
  /** Offset of the byte after the payload, without padding. */
  end = 0;
  type = 0;
  flags = 0;
  sequence = 0;
  portId = 0;
  #next = 0;
  #limit = 0;

  constructor(bytes: Uint8Array, view: DataView = viewOf(bytes)) {
    this.bytes = bytes;
    this.view = view;
    this.#limit = bytes.length;
  }

  /** Starts again at `offset`, ending `length` bytes later or where the bytes end. */
  over(offset: number, length: number): this {
    this.#next = offset;
    this.#limit = Math.min(offset + length, this.bytes.length);
    return this;
  }

  /** Offset of the payload. */
  get payload(): number {
    return this.offset + NLMSG_HEADER_BYTES;
  }

  /** Goes on to the next message; false at the end. Throws DecodeError for a header that cannot be; the rest is then passed over. */
  next(): boolean {
    if (this.nextWhole()) return true;
    const offset = this.#next;
    const left = this.#limit - offset;
    if (left <= 0) return false;
    this.#next = this.#limit;
    if (left < NLMSG_HEADER_BYTES) {
      throw new DecodeError("truncated", offset, "", `expected a header of ${NLMSG_HEADER_BYTES} bytes, got ${left}`);
    }
    const length = this.view.getUint32(offset + NLMSG_OFFSET.length, LITTLE_ENDIAN);
    if (length < NLMSG_HEADER_BYTES) {
      throw new DecodeError("bad-length", offset, "", `expected at least ${NLMSG_HEADER_BYTES} bytes, got ${length}`);
    }
    throw new DecodeError("truncated", offset, "", `expected a message of ${length} bytes, got ${left}`);
  }

  /** The same for those who have no use for what is broken: false at the end and where `next` would throw. */
  nextWhole(): boolean {
    const offset = this.#next;
    const left = this.#limit - offset;
    if (left < NLMSG_HEADER_BYTES) return false;
    const { view } = this;
    const length = view.getUint32(offset + NLMSG_OFFSET.length, LITTLE_ENDIAN);
    if (length < NLMSG_HEADER_BYTES || length > left) return false;
    this.offset = offset;
    this.end = offset + length;
    this.#next = offset + align4(length);
    this.type = view.getUint16(offset + NLMSG_OFFSET.type, LITTLE_ENDIAN);
    this.flags = view.getUint16(offset + NLMSG_OFFSET.flags, LITTLE_ENDIAN);
    this.sequence = view.getUint32(offset + NLMSG_OFFSET.sequence, LITTLE_ENDIAN);
    this.portId = view.getUint32(offset + NLMSG_OFFSET.portId, LITTLE_ENDIAN);
    return true;
  }
}
