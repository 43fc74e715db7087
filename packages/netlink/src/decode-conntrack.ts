/**
 * Bytes of a ctnetlink message to a ConntrackMessage: events of the groups NFNLGRP_CONNTRACK_*, rows of a dump and answers to a request.
 * Source: `ctnetlink_conntrack_event` and `ctnetlink_fill_info` in net/netfilter/nf_conntrack_netlink.c. Unknown attributes are skipped.
 */
import { AttributeCursor } from "./attribute.ts";
import type { ConntrackKind, ConntrackMessage } from "./conntrack-message.ts";
import { decodeCounters, decodeHelper, decodeTimestamps } from "./conntrack-parts.ts";
import { decodeProtoInfo } from "./conntrack-protoinfo.ts";
import { decodeTuple } from "./conntrack-tuple.ts";
import { DecodeError } from "./errors.ts";
import { MessageCursor } from "./message.ts";
import { NLM_FLAG } from "./netlink-enum.ts";
import { CTA, IPCTNL_MSG_CT } from "./nfnetlink-conntrack-enum.ts";
import { NFGENMSG_BYTES, NFGENMSG_OFFSET, NFNL_SUBSYS } from "./nfnetlink-enum.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Decodes the one message, header included, that begins at `offset` of `bytes`. The value holds copies. Throws DecodeError for bytes that are
 * no conntrack entry, and for nothing else.
 */
export function decodeConntrack(
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): ConntrackMessage {
  const message = new MessageCursor(bytes).over(offset, length);
  if (!message.next()) throw new DecodeError("truncated", offset, "", "expected a message, got no bytes");
  const kind = conntrackKind(message.type, message.flags);
  if (kind === undefined) {
    const facts = `expected a conntrack entry, got type 0x${message.type.toString(16).padStart(4, "0")}`;
    throw new DecodeError("unexpected-message", offset, "", facts);
  }
  if (message.end - message.payload < NFGENMSG_BYTES) {
    throw new DecodeError("truncated", message.payload, "", `expected ${NFGENMSG_BYTES} bytes of nfgenmsg`);
  }
  const family = bytes[message.payload + NFGENMSG_OFFSET.family]!;
  const at = new AttributeCursor(bytes, message.view).over(message.payload + NFGENMSG_BYTES, message.end);
  return decodeAttributes(at, kind, family);
}

/** What a message with this type and these flags tells of; `undefined` when it holds no conntrack entry. */
export function conntrackKind(type: number, flags: number): ConntrackKind | undefined {
  if (type >> 8 !== NFNL_SUBSYS.conntrack) return undefined;
  switch (type & 0xff) {
    case IPCTNL_MSG_CT.new:
      // The kernel sets NLM_F_MULTI on every answer to a request, and never on an event.
      if ((flags & NLM_FLAG.multi) !== 0) return "row";
      return (flags & NLM_FLAG.create) !== 0 ? "new" : "update";
    case IPCTNL_MSG_CT.delete:
      return "destroy";
    default:
      return undefined;
  }
}

function decodeAttributes(at: AttributeCursor, kind: ConntrackKind, family: number): ConntrackMessage {
  const message: Partial<Writable<ConntrackMessage>> = {};
  while (at.next()) decodeAttribute(at, message);
  const { original, reply } = message;
  if (original === undefined) throw at.error("missing-attribute", "expected tuple-orig");
  if (reply === undefined) throw at.error("missing-attribute", "expected tuple-reply");
  if (original.source.length !== reply.source.length) {
    throw at.error("bad-length", "expected tuples of one family, got two");
  }
  return { kind, family, ...message, original, reply };
}

function decodeAttribute(at: AttributeCursor, message: Partial<Writable<ConntrackMessage>>): void {
  switch (at.type) {
    case CTA.tupleOrig:
      message.original = decodeTuple(at.nested("tuple-orig"));
      break;
    case CTA.tupleReply:
      message.reply = decodeTuple(at.nested("tuple-reply"));
      break;
    case CTA.tupleMaster:
      message.master = decodeTuple(at.nested("tuple-master"));
      break;
    case CTA.status:
      // Length 0 is padding: the kernel pads CTA_TIMESTAMP_EVENT with type 3 on machines that need 8-byte alignment.
      if (at.length > 0) message.status = at.u32be("status");
      break;
    case CTA.protoInfo: {
      const info = decodeProtoInfo(at.nested("protoinfo"));
      if (info !== undefined) message.protoInfo = info;
      break;
    }
    case CTA.help: {
      const helper = decodeHelper(at.nested("help"));
      if (helper !== undefined) message.helper = helper;
      break;
    }
    case CTA.timeout:
      message.timeout = at.u32be("timeout");
      break;
    case CTA.mark:
      message.mark = at.u32be("mark");
      break;
    case CTA.countersOrig: {
      const counters = decodeCounters(at.nested("counters-orig"));
      if (counters !== undefined) message.originalCounters = counters;
      break;
    }
    case CTA.countersReply: {
      const counters = decodeCounters(at.nested("counters-reply"));
      if (counters !== undefined) message.replyCounters = counters;
      break;
    }
    case CTA.use:
      message.use = at.u32be("use");
      break;
    case CTA.id:
      message.id = at.u32be("id");
      break;
    case CTA.zone:
      message.zone = at.u16be("zone");
      break;
    case CTA.timestamp:
      Object.assign(message, decodeTimestamps(at.nested("timestamp")));
      break;
    case CTA.timestampEvent:
      message.eventNs = at.u64be("timestamp-event");
      break;
    case CTA.labels:
      message.labels = at.copy();
      break;
  }
}
