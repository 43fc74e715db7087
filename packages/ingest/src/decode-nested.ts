/**
 * The attributes of a conntrack message that hold others: protocol state, counters and timestamps. Source:
 * `linux/netfilter/nfnetlink_conntrack.h`. All offsets are bytes and multiples of 4; `floats` is the row's view of doubles.
 */
import { FLOW } from "@conntrail/model";
import {
  attributeHeader,
  CTA_COUNTERS,
  CTA_PROTOINFO,
  CTA_PROTOINFO_DCCP,
  CTA_PROTOINFO_SCTP,
  CTA_PROTOINFO_TCP,
  CTA_TIMESTAMP,
  firstByte,
  WordCursor,
  wholeWord,
} from "@conntrail/netlink";

/** Which optional fields of the row a message had: bits at `MESSAGE_ROW.fields` of the decoded row. The others keep what was there. */
export const DECODED_FIELD = {
  status: 1,
  state: 2,
  id: 4,
  mark: 8,
  originalCounters: 0x20,
  replyCounters: 0x40,
  start: 0x80,
  /** Another connection had announced it to a helper: CTA_TUPLE_MASTER. */
  master: 0x800,
  /** Counters of a direction are beyond 2^53, and whole in MESSAGE_ROW.exact. */
  exactOriginal: 0x1000,
  exactReply: 0x2000,
  /** Both directions have IP_CT_TCP_FLAG_BE_LIBERAL. */
  liberal: 0x400,
} as const;

/** The flag of a TCP direction whose window is not checked, as in flows picked up in mid-stream (`linux/netfilter/nf_conntrack_tcp.h`). */
const TCP_FLAG_BE_LIBERAL = 0x08; // IP_CT_TCP_FLAG_BE_LIBERAL
const NANOSECONDS_PER_MS = 1e6;

// As the kernel writes a TCP state (`tcp_to_nlattr`): state, two window scales, two pairs of flags.
const TCP = attributeHeader(44, CTA_PROTOINFO.tcp, true);
const TCP_STATE = attributeHeader(5, CTA_PROTOINFO_TCP.state);
const TCP_SCALE_ORIGINAL = attributeHeader(5, CTA_PROTOINFO_TCP.windowScaleOriginal);
const TCP_SCALE_REPLY = attributeHeader(5, CTA_PROTOINFO_TCP.windowScaleReply);
const TCP_FLAGS_ORIGINAL = attributeHeader(6, CTA_PROTOINFO_TCP.flagsOriginal);
const TCP_FLAGS_REPLY = attributeHeader(6, CTA_PROTOINFO_TCP.flagsReply);
const TCP_BYTES = 44;
// A DESTROY has the state alone.
const TCP_LAST = attributeHeader(12, CTA_PROTOINFO.tcp, true);
const TCP_LAST_BYTES = 12;
// As the kernel writes SCTP's (`sctp_to_nlattr`): state and two tags.
const SCTP = attributeHeader(28, CTA_PROTOINFO.sctp, true);
const SCTP_STATE = attributeHeader(5, CTA_PROTOINFO_SCTP.state);
const SCTP_TAG_ORIGINAL = attributeHeader(8, CTA_PROTOINFO_SCTP.vtagOriginal);
const SCTP_TAG_REPLY = attributeHeader(8, CTA_PROTOINFO_SCTP.vtagReply);
const SCTP_BYTES = 28;
// Counters and timestamps (`dump_counters`, `ctnetlink_dump_timestamp`): two of 64 bits.
const COUNTED_PACKETS = attributeHeader(12, CTA_COUNTERS.packets);
const COUNTED_BYTES = attributeHeader(12, CTA_COUNTERS.bytes);
const STARTED = attributeHeader(12, CTA_TIMESTAMP.start);
const STOPPED = attributeHeader(12, CTA_TIMESTAMP.stop);
const PAIR_BYTES = 24;
const SINGLE_BYTES = 12;
const TWO_32 = 2 ** 32;
/** What 2^53 + 1 is rounded to, too. */
const FIRST_INEXACT = 2 ** 53;
/** What `decodeCounters` returns for counters that a double does not hold. */
export const LARGE = 2;

/** Every walk begins here; nothing in it outlives the call. */
const cursor = new WordCursor();

/** Returns state << 16 | DECODED_FIELD.state and .liberal as they apply; 0 when there is no state; negative when lengths lie. */
export function decodeProtoInfo(words: Uint32Array, start: number, end: number): number {
  const at = start >> 2;
  if (
    end - start === TCP_BYTES &&
    ((words[at]! ^ TCP) |
      (words[at + 1]! ^ TCP_STATE) |
      (words[at + 3]! ^ TCP_SCALE_ORIGINAL) |
      (words[at + 5]! ^ TCP_SCALE_REPLY) |
      (words[at + 7]! ^ TCP_FLAGS_ORIGINAL) |
      (words[at + 9]! ^ TCP_FLAGS_REPLY)) ===
      0
  ) {
    return tcpInfo(firstByte(words[at + 2]!), firstByte(words[at + 8]!), firstByte(words[at + 10]!));
  }
  if (end - start === TCP_LAST_BYTES && ((words[at]! ^ TCP_LAST) | (words[at + 1]! ^ TCP_STATE)) === 0) {
    return tcpInfo(firstByte(words[at + 2]!), 0, 0);
  }
  return otherInfo(words, start, end);
}

/** A function of its own, so that TCP's stays short. */
function otherInfo(words: Uint32Array, start: number, end: number): number {
  const at = start >> 2;
  if (
    end - start === SCTP_BYTES &&
    ((words[at]! ^ SCTP) |
      (words[at + 1]! ^ SCTP_STATE) |
      (words[at + 3]! ^ SCTP_TAG_ORIGINAL) |
      (words[at + 5]! ^ SCTP_TAG_REPLY)) ===
      0
  ) {
    return (firstByte(words[at + 2]!) << 16) | DECODED_FIELD.state;
  }
  return walkProtoInfo(words, start, end);
}

function walkProtoInfo(words: Uint32Array, start: number, end: number): number {
  let info = 0;
  cursor.over(words, start, end);
  while (cursor.next()) {
    switch (cursor.type) {
      case CTA_PROTOINFO.tcp:
        info = walkTcp(cursor.nested()) || info;
        break;
      case CTA_PROTOINFO.sctp:
        info = walkSctp(cursor.nested()) || info;
        break;
      case CTA_PROTOINFO.dccp:
        info = walkDccp(cursor.nested()) || info;
        break;
    }
  }
  return cursor.failed ? -1 : info;
}

function tcpInfo(state: number, originalFlags: number, replyFlags: number): number {
  const liberal = (originalFlags & replyFlags & TCP_FLAG_BE_LIBERAL) !== 0;
  return (state << 16) | DECODED_FIELD.state | (liberal ? DECODED_FIELD.liberal : 0);
}

/** What follows returns 0 without a state; lengths that lie are told by the cursor. */
function walkTcp(tcp: WordCursor): number {
  let state = -1;
  let originalFlags = 0;
  let replyFlags = 0;
  while (tcp.next()) {
    switch (tcp.type) {
      case CTA_PROTOINFO_TCP.state:
        state = tcp.u8();
        break;
      case CTA_PROTOINFO_TCP.windowScaleOriginal:
      case CTA_PROTOINFO_TCP.windowScaleReply:
        tcp.has(1);
        break;
      case CTA_PROTOINFO_TCP.flagsOriginal:
        originalFlags = flags(tcp);
        break;
      case CTA_PROTOINFO_TCP.flagsReply:
        replyFlags = flags(tcp);
        break;
    }
  }
  return state < 0 ? 0 : tcpInfo(state, originalFlags, replyFlags);
}

/** `struct nf_ct_tcp_flags`: flags and mask. */
function flags(tcp: WordCursor): number {
  if (tcp.length !== 2) tcp.fail();
  return tcp.u8();
}

function walkSctp(sctp: WordCursor): number {
  let state = -1;
  while (sctp.next()) {
    if (sctp.type === CTA_PROTOINFO_SCTP.state) state = sctp.u8();
    else if (sctp.type === CTA_PROTOINFO_SCTP.vtagOriginal || sctp.type === CTA_PROTOINFO_SCTP.vtagReply) sctp.has(4);
  }
  return state < 0 ? 0 : (state << 16) | DECODED_FIELD.state;
}

function walkDccp(dccp: WordCursor): number {
  let state = -1;
  while (dccp.next()) {
    if (dccp.type === CTA_PROTOINFO_DCCP.state) state = dccp.u8();
    else if (dccp.type === CTA_PROTOINFO_DCCP.role) dccp.has(1);
    else if (dccp.type === CTA_PROTOINFO_DCCP.handshakeSequence) dccp.has(8);
  }
  return state < 0 ? 0 : (state << 16) | DECODED_FIELD.state;
}

/**
 * Writes packets to `floats[at]` and bytes to `floats[at + 1]`, from 64- or 32-bit counters. Returns 1, LARGE where a double does not hold one
 * of them, 0 unless both are there, negative when lengths lie.
 */
export function decodeCounters(
  words: Uint32Array,
  start: number,
  end: number,
  floats: Float64Array,
  at: number,
): number {
  const first = start >> 2;
  if (end - start === PAIR_BYTES && ((words[first]! ^ COUNTED_PACKETS) | (words[first + 3]! ^ COUNTED_BYTES)) === 0) {
    const packets = networkDouble(words, first + 1);
    const bytes = networkDouble(words, first + 4);
    floats[at] = packets;
    floats[at + 1] = bytes;
    return packets >= FIRST_INEXACT || bytes >= FIRST_INEXACT ? LARGE : 1;
  }
  return walkCounters(words, start, end, floats, at);
}

function walkCounters(words: Uint32Array, start: number, end: number, floats: Float64Array, at: number): number {
  let packets = -1;
  let bytes = -1;
  let packets32 = -1;
  let bytes32 = -1;
  cursor.over(words, start, end);
  while (cursor.next()) {
    switch (cursor.type) {
      case CTA_COUNTERS.packets:
        packets = cursor.u64be();
        break;
      case CTA_COUNTERS.bytes:
        bytes = cursor.u64be();
        break;
      case CTA_COUNTERS.packets32:
        packets32 = cursor.u32be();
        break;
      case CTA_COUNTERS.bytes32:
        bytes32 = cursor.u32be();
        break;
    }
  }
  if (cursor.failed) return -1;
  if (packets < 0) packets = packets32;
  if (bytes < 0) bytes = bytes32;
  if (packets < 0 || bytes < 0) return 0;
  floats[at] = packets;
  floats[at + 1] = bytes;
  return packets >= FIRST_INEXACT || bytes >= FIRST_INEXACT ? LARGE : 1;
}

/** Writes the start in milliseconds; returns DECODED_FIELD.start when it was there, negative when lengths lie. */
export function decodeTimestamp(words: Uint32Array, start: number, end: number, floats: Float64Array): number {
  const first = start >> 2;
  const pair = end - start === PAIR_BYTES && words[first + 3] === STOPPED >>> 0;
  if ((pair || end - start === SINGLE_BYTES) && words[first] === STARTED >>> 0) {
    floats[FLOW.startMs >> 1] = networkDouble(words, first + 1) / NANOSECONDS_PER_MS;
    return DECODED_FIELD.start;
  }
  return walkTimestamp(words, start, end, floats);
}

function walkTimestamp(words: Uint32Array, start: number, end: number, floats: Float64Array): number {
  let seen = 0;
  cursor.over(words, start, end);
  while (cursor.next()) {
    if (cursor.type === CTA_TIMESTAMP.stop) cursor.has(8);
    else if (cursor.type === CTA_TIMESTAMP.start) {
      floats[FLOW.startMs >> 1] = cursor.u64be() / NANOSECONDS_PER_MS;
      seen = DECODED_FIELD.start;
    }
  }
  return cursor.failed ? -1 : seen;
}

/** The 64-bit number in network order at two words, as a double: exact up to 2^53. */
function networkDouble(words: Uint32Array, at: number): number {
  return wholeWord(words[at]!) * TWO_32 + wholeWord(words[at + 1]!);
}
