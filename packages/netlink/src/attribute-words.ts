/**
 * Netlink attributes as 32-bit words of a receive block, on machines of either byte order: headers are in the machine's
 * order, ctnetlink's payloads in the network's. Sources: `linux/netlink.h` (`struct nlattr`, `NLA_ALIGN`).
 */
import { LITTLE_ENDIAN } from "./byte-order.ts";
import { NLA_FLAG, NLA_TYPE_MASK } from "./netlink-enum.ts";

/** The same, where the compiler takes it for a constant: what another module exports it reads anew each time. */
const LITTLE = LITTLE_ENDIAN;

/** The first word of an attribute, as the kernel writes it: its length and type. `nested` sets NLA_F_NESTED. */
export function attributeHeader(lengthBytes: number, type: number, nested = false): number {
  const fullType = nested ? type | NLA_FLAG.nested : type;
  return (LITTLE ? (fullType << 16) | lengthBytes : (lengthBytes << 16) | fullType) | 0;
}

/** The length, header included, from an attribute's first word. */
export function attributeLength(header: number): number {
  return LITTLE ? header & 0xffff : header >>> 16;
}

/** The type without its flags, from an attribute's first word. */
export function attributeType(header: number): number {
  return (LITTLE ? header >>> 16 : header) & NLA_TYPE_MASK;
}

/** The first byte of a word in memory: a u8 payload. */
export function firstByte(word: number): number {
  return LITTLE ? word & 0xff : word >>> 24;
}

/** The first two bytes of a word in memory, in network order: a be16 payload. */
export function firstHalf(word: number): number {
  return LITTLE ? ((word & 0xff) << 8) | ((word >>> 8) & 0xff) : word >>> 16;
}

/** The u16 in the machine's order at the start of a word in memory: `nlmsg_type`. */
export function lowHalf(word: number): number {
  return LITTLE ? word & 0xffff : word >>> 16;
}

/** The u16 in the machine's order at the end of a word in memory: `nlmsg_flags`. */
export function highHalf(word: number): number {
  return LITTLE ? word >>> 16 : word & 0xffff;
}

/** The four bytes of a word in memory, in network order: a be32 payload. */
export function wholeWord(word: number): number {
  if (!LITTLE) return word >>> 0;
  return ((word >>> 24) | ((word >>> 8) & 0xff00) | ((word & 0xff00) << 8) | (word << 24)) >>> 0;
}
