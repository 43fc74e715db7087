/**
 * One ctnetlink message to one flow row, in place: words in, words out, no object, no closure and no DataView, because this
 * runs once per event. Netlink aligns attributes to four bytes, so everything is read as words of the receive block. Sources:
 * `linux/netfilter/nfnetlink_conntrack.h`, the kernel's `ctnetlink_fill_info` and `ctnetlink_conntrack_event`.
 */
import { FLOW, networkWord, ZONE_DIRECTION } from "@conntrail/model";
import {
  attributeLength,
  attributeType,
  CTA,
  firstHalf,
  highHalf,
  IPCTNL_MSG_CT,
  lowHalf,
  NFGENMSG_BYTES,
  NFNL_SUBSYS,
  NLM_FLAG,
  NLMSG_HEADER_BYTES,
} from "@conntrail/netlink";
import { keepExact } from "./decode-exact.ts";
import { DECODED_FIELD, decodeCounters, decodeProtoInfo, decodeTimestamp, LARGE } from "./decode-nested.ts";
import { decodeTuple } from "./decode-tuple.ts";
import { MESSAGE_ROW } from "./flow-table-row.ts";
import { BAD_TUPLE } from "./walk-tuple.ts";

/** What a message was: positive a flow, zero something else, negative bytes that cannot be decoded. */
export const DECODED = {
  other: 0, // not a conntrack message: a control message, an expectation, another subsystem
  new: 1, // IPCTNL_MSG_CT_NEW with NLM_F_CREATE: the flow begins here
  update: 2, // IPCTNL_MSG_CT_NEW without: a change, or a row of a dump
  destroy: 3, // IPCTNL_MSG_CT_DELETE
  truncated: -1, // shorter than its headers say
  badAttribute: -2, // an attribute's length contradicts its place or its kind
  badTuple: -3, // a tuple without both addresses and a protocol, or two of different families
  missing: -4, // no original or no reply tuple
} as const;

const HEADERS_BYTES = NLMSG_HEADER_BYTES + NFGENMSG_BYTES;
const MESSAGE_NEW = (NFNL_SUBSYS.conntrack << 8) | IPCTNL_MSG_CT.new;
/** Where `decodeTuple` returns the family. */
const FAMILY_MASK = 0xff00;
const MESSAGE_DELETE = (NFNL_SUBSYS.conntrack << 8) | IPCTNL_MSG_CT.delete;

/**
 * Decodes the message that starts at byte `offset` (a multiple of 4) of the block whose words are `words`, with at most
 * `length` bytes, into `row`; `floats` is a view of the same buffer as `row`. Writes the words of both tuples, kind (protocol, family and
 * state, no flags), zone, and the fields named in DECODED_FIELD. Returns one of DECODED; never throws for any bytes.
 */
export function decodeFlow(
  words: Uint32Array,
  offset: number,
  length: number,
  row: Uint32Array,
  floats: Float64Array,
): number {
  if (length < NLMSG_HEADER_BYTES) return DECODED.truncated;
  const at = offset >> 2;
  const bytes = words[at]!;
  if (bytes > length || bytes < NLMSG_HEADER_BYTES) return DECODED.truncated;
  const type = lowHalf(words[at + 1]!);
  if (type !== MESSAGE_NEW && type !== MESSAGE_DELETE) return DECODED.other;
  if (bytes < HEADERS_BYTES) return DECODED.truncated;
  const failure = decodeAttributes(words, offset + HEADERS_BYTES, offset + bytes, row, floats);
  if (failure < 0) return failure;
  if (type === MESSAGE_DELETE) return DECODED.destroy;
  const flags = highHalf(words[at + 1]!) & (NLM_FLAG.create | NLM_FLAG.multi);
  return flags === NLM_FLAG.create ? DECODED.new : DECODED.update;
}

function decodeAttributes(
  words: Uint32Array,
  start: number,
  end: number,
  row: Uint32Array,
  floats: Float64Array,
): number {
  let fields = 0;
  let original = 0;
  let reply = 0;
  let state = 0;
  let zone = 0;
  for (let p = start; p < end; ) {
    const at = p >> 2;
    const header = words[at]!;
    const length = attributeLength(header);
    if (length < 4 || p + length > end) return DECODED.badAttribute;
    switch (attributeType(header)) {
      case CTA.tupleOrig:
        original = decodeTuple(words, at, length, row, FLOW.originalSource, FLOW.originalPorts);
        if (original === BAD_TUPLE) return DECODED.badTuple;
        break;
      case CTA.tupleReply:
        reply = decodeTuple(words, at, length, row, FLOW.replySource, FLOW.replyPorts);
        if (reply === BAD_TUPLE) return DECODED.badTuple;
        break;
      case CTA.status:
        if (length === 4) break; // the padding of CTA_TIMESTAMP_EVENT has this type on machines that align 64-bit values
        if (length < 8) return DECODED.badAttribute;
        row[FLOW.status] = networkWord(words[at + 1]!);
        fields |= DECODED_FIELD.status;
        break;
      case CTA.protoInfo: {
        const info = decodeProtoInfo(words, p + 4, p + length);
        if (info < 0) return DECODED.badAttribute;
        if (info === 0) break;
        fields = (fields & ~DECODED_FIELD.liberal) | (info & (DECODED_FIELD.state | DECODED_FIELD.liberal));
        state = info >>> 16;
        break;
      }
      case CTA.id:
        if (length < 8) return DECODED.badAttribute;
        row[FLOW.id] = networkWord(words[at + 1]!);
        fields |= DECODED_FIELD.id;
        break;
      case CTA.timeout:
        if (length < 8) return DECODED.badAttribute; // as the value decoder has it; nobody asks when the kernel would give up a flow
        break;
      case CTA.mark:
        if (length < 8) return DECODED.badAttribute;
        row[FLOW.mark] = networkWord(words[at + 1]!);
        fields |= DECODED_FIELD.mark;
        break;
      case CTA.zone:
        if (length < 6) return DECODED.badAttribute;
        zone = firstHalf(words[at + 1]!);
        break;
      case CTA.countersOrig: {
        const counted = decodeCounters(words, p + 4, p + length, floats, FLOW.originalPackets >> 1);
        if (counted < 0) return DECODED.badAttribute;
        if (counted === LARGE) fields |= keepExact(words, p + 4, p + length, row, false);
        else if (counted > 0) fields |= DECODED_FIELD.originalCounters;
        break;
      }
      case CTA.countersReply: {
        const counted = decodeCounters(words, p + 4, p + length, floats, FLOW.replyPackets >> 1);
        if (counted < 0) return DECODED.badAttribute;
        if (counted === LARGE) fields |= keepExact(words, p + 4, p + length, row, true);
        else if (counted > 0) fields |= DECODED_FIELD.replyCounters;
        break;
      }
      case CTA.tupleMaster:
        if (!decodeMaster(words, at, length, row)) return DECODED.badTuple;
        fields |= DECODED_FIELD.master;
        break;
      case CTA.timestamp: {
        const seen = decodeTimestamp(words, p + 4, p + length, floats);
        if (seen < 0) return DECODED.badAttribute;
        fields |= seen;
        break;
      }
    }
    p += (length + 3) & ~3;
  }
  if (original === 0 || reply === 0) return DECODED.missing;
  if (((original ^ reply) & FAMILY_MASK) !== 0) return DECODED.badTuple;
  // A zone of one direction stands inside that direction's tuple (ctnetlink_dump_tuples with a zone's dir).
  if (original >>> 16 !== 0) zone = (original >>> 16) | ZONE_DIRECTION.original;
  else if (reply >>> 16 !== 0) zone = (reply >>> 16) | ZONE_DIRECTION.reply;
  row[FLOW.zone] = zone;
  row[FLOW.kind] = (original & 0xffff) | (state << 16);
  row[MESSAGE_ROW.fields] = fields;
  return 0;
}

/** Who announced the flow. False for bytes that are no tuple. A function of its own: few messages have one, and what reads every message is taken in whole by the compiler. */
function decodeMaster(words: Uint32Array, at: number, length: number, row: Uint32Array): boolean {
  const kind = decodeTuple(words, at, length, row, MESSAGE_ROW.master, MESSAGE_ROW.masterPorts);
  if (kind === BAD_TUPLE) return false;
  row[MESSAGE_ROW.masterKind] = kind & 0xffff;
  return true;
}
