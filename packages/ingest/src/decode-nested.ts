/**
 * The attributes of a conntrack message that hold others: protocol state, counters and timestamps. Source:
 * `linux/netfilter/nfnetlink_conntrack.h`. All offsets are bytes and multiples of 4; `floats` is the row's view of doubles.
 */
import { FLOW, networkWord } from "@conntrail/model";
import { CTA_COUNTERS, CTA_PROTOINFO, CTA_PROTOINFO_TCP, CTA_TIMESTAMP } from "@conntrail/netlink";
import { attributeHeader, attributeLength, attributeType, firstByte } from "./words.ts";

/** Which optional fields of the row a message had: bits at `FLOW.reserved` of the decoded row. The others keep what was there. */
export const DECODED_FIELD = {
  status: 1,
  state: 2,
  id: 4,
  mark: 8,
  timeout: 0x10,
  originalCounters: 0x20,
  replyCounters: 0x40,
  start: 0x80,
  stop: 0x100,
  /** `FLOW.helper` holds the word index of CTA_HELP in the block: names are interned by whoever keeps them. */
  helper: 0x200,
  /** Both directions have IP_CT_TCP_FLAG_BE_LIBERAL. */
  liberal: 0x400,
} as const;

/** The flag of a TCP direction whose window is not checked, as in flows picked up in mid-stream (`linux/netfilter/nf_conntrack_tcp.h`). */
const TCP_FLAG_BE_LIBERAL = 0x08; // IP_CT_TCP_FLAG_BE_LIBERAL
const TWO_32 = 2 ** 32;
const NANOSECONDS_PER_MS = 1e6;

// As the kernel writes a TCP state (`tcp_to_nlattr`): state, two window scales, two pairs of flags.
const TCP = attributeHeader(44, CTA_PROTOINFO.tcp, true);
const TCP_STATE = attributeHeader(5, CTA_PROTOINFO_TCP.state);
const TCP_FLAGS_ORIGINAL = attributeHeader(6, CTA_PROTOINFO_TCP.flagsOriginal);
const TCP_FLAGS_REPLY = attributeHeader(6, CTA_PROTOINFO_TCP.flagsReply);
const TCP_BYTES = 44;

/** Returns state << 16 | DECODED_FIELD.state and .liberal as they apply; 0 when there is no state; negative when lengths lie. */
export function decodeProtoInfo(words: Uint32Array, start: number, end: number): number {
  const at = start >> 2;
  if (
    end - start === TCP_BYTES &&
    ((words[at]! ^ TCP) |
      (words[at + 1]! ^ TCP_STATE) |
      (words[at + 7]! ^ TCP_FLAGS_ORIGINAL) |
      (words[at + 9]! ^ TCP_FLAGS_REPLY)) ===
      0
  ) {
    const liberal = (firstByte(words[at + 8]!) & firstByte(words[at + 10]!) & TCP_FLAG_BE_LIBERAL) !== 0;
    return (firstByte(words[at + 2]!) << 16) | DECODED_FIELD.state | (liberal ? DECODED_FIELD.liberal : 0);
  }
  return walkProtoInfo(words, start, end);
}

function walkProtoInfo(words: Uint32Array, start: number, end: number): number {
  let result = 0;
  let liberal = 0;
  for (let p = start; p + 4 <= end; ) {
    const header = words[p >> 2]!;
    const length = attributeLength(header);
    if (length < 4 || p + length > end) return -1;
    const protocol = attributeType(header);
    for (let q = p + 4; q + 4 <= p + length; ) {
      const inner = words[q >> 2]!;
      const innerLength = attributeLength(inner);
      if (innerLength < 4 || q + innerLength > p + length) return -1;
      const type = attributeType(inner);
      if (type === CTA_PROTOINFO_TCP.state && protocol >= CTA_PROTOINFO.tcp && protocol <= CTA_PROTOINFO.sctp) {
        if (innerLength < 5) return -1;
        result = (firstByte(words[(q >> 2) + 1]!) << 16) | DECODED_FIELD.state;
      } else if (
        protocol === CTA_PROTOINFO.tcp &&
        (type === CTA_PROTOINFO_TCP.flagsOriginal || type === CTA_PROTOINFO_TCP.flagsReply) &&
        innerLength >= 6 &&
        (firstByte(words[(q >> 2) + 1]!) & TCP_FLAG_BE_LIBERAL) !== 0
      ) {
        liberal++;
      }
      q += (innerLength + 3) & ~3;
    }
    p += (length + 3) & ~3;
  }
  return liberal === 2 ? result | DECODED_FIELD.liberal : result;
}

/** Writes packets to `floats[at]` and bytes to `floats[at + 1]`, from 64- or 32-bit counters. False when lengths lie. */
export function decodeCounters(
  words: Uint32Array,
  start: number,
  end: number,
  floats: Float64Array,
  at: number,
): boolean {
  for (let p = start; p + 4 <= end; ) {
    const header = words[p >> 2]!;
    const length = attributeLength(header);
    if (length < 4 || p + length > end) return false;
    switch (attributeType(header)) {
      case CTA_COUNTERS.packets:
      case CTA_COUNTERS.bytes:
        if (length < 12) return false;
        floats[attributeType(header) === CTA_COUNTERS.packets ? at : at + 1] = networkDouble(words, (p >> 2) + 1);
        break;
      case CTA_COUNTERS.packets32:
      case CTA_COUNTERS.bytes32:
        if (length < 8) return false;
        floats[attributeType(header) === CTA_COUNTERS.packets32 ? at : at + 1] = networkWord(words[(p >> 2) + 1]!);
        break;
    }
    p += (length + 3) & ~3;
  }
  return true;
}

/** Writes start and stop in milliseconds; returns the bits of DECODED_FIELD that were there, negative when lengths lie. */
export function decodeTimestamp(words: Uint32Array, start: number, end: number, floats: Float64Array): number {
  let seen = 0;
  for (let p = start; p + 4 <= end; ) {
    const header = words[p >> 2]!;
    const length = attributeLength(header);
    if (length < 4 || p + length > end) return -1;
    const type = attributeType(header);
    if (type === CTA_TIMESTAMP.start || type === CTA_TIMESTAMP.stop) {
      if (length < 12) return -1;
      const field = type === CTA_TIMESTAMP.start ? FLOW.startMs : FLOW.stopMs;
      floats[field >> 1] = networkDouble(words, (p >> 2) + 1) / NANOSECONDS_PER_MS;
      seen |= type === CTA_TIMESTAMP.start ? DECODED_FIELD.start : DECODED_FIELD.stop;
    }
    p += (length + 3) & ~3;
  }
  return seen;
}

/** The 64-bit number in network order at two words that need not be aligned to eight bytes; exact up to 2^53. */
function networkDouble(words: Uint32Array, at: number): number {
  return networkWord(words[at]!) * TWO_32 + networkWord(words[at + 1]!);
}
