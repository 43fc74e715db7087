/**
 * ConntrackMessage to bytes, as the kernel would send it (attributes in its order), and requests to the kernel: create, update, delete, get
 * and dump entries. Source: net/netfilter/nf_conntrack_netlink.c.
 */
import type { ConntrackMessage, ConntrackTuple } from "./conntrack-message.ts";
import { encodeCounters, encodeHelper, encodeTimestamps } from "./conntrack-parts.ts";
import { encodeProtoInfo } from "./conntrack-protoinfo.ts";
import { encodeTuple } from "./conntrack-tuple.ts";
import { type MessageHeader, MessageWriter } from "./message-writer.ts";
import { NLM_FLAG } from "./netlink-enum.ts";
import { CTA, CTA_FILTER, CTA_FILTER_FLAG, CTA_PROTO, CTA_TUPLE, IPCTNL_MSG_CT } from "./nfnetlink-conntrack-enum.ts";
import { NFNL_SUBSYS } from "./nfnetlink-enum.ts";

const TYPE = (operation: number): number => (NFNL_SUBSYS.conntrack << 8) | operation;

const KIND_HEADER: Readonly<Record<ConntrackMessage["kind"], MessageHeader>> = {
  new: { type: TYPE(IPCTNL_MSG_CT.new), flags: NLM_FLAG.create | NLM_FLAG.exclusive },
  update: { type: TYPE(IPCTNL_MSG_CT.new), flags: 0 },
  destroy: { type: TYPE(IPCTNL_MSG_CT.delete), flags: 0 },
  row: { type: TYPE(IPCTNL_MSG_CT.new), flags: NLM_FLAG.multi },
};

/** Encodes a message so that `decodeConntrack` gives it back. Counters are 64 bits wide. */
export function encodeConntrack(message: ConntrackMessage): Uint8Array<ArrayBuffer> {
  const writer = new MessageWriter();
  writer.begin(KIND_HEADER[message.kind]);
  writeEntry(writer, message.family, message);
  writer.end();
  return writer.bytes;
}

/** What a request says of an entry; the kernel wants a tuple and, to create, both tuples and a timeout. */
export type ConntrackRequest = Pick<ConntrackMessage, "family"> & Partial<Omit<ConntrackMessage, "kind" | "family">>;

/** What is asked of the kernel: `create` fails with EEXIST when there is such an entry, `update` with ENOENT when there is none. */
export type ConntrackOperation = "create" | "update" | "delete" | "get";

const OPERATION_HEADER: Readonly<Record<ConntrackOperation, MessageHeader>> = {
  create: { type: TYPE(IPCTNL_MSG_CT.new), flags: NLM_FLAG.request | NLM_FLAG.create | NLM_FLAG.exclusive },
  update: { type: TYPE(IPCTNL_MSG_CT.new), flags: NLM_FLAG.request },
  delete: { type: TYPE(IPCTNL_MSG_CT.delete), flags: NLM_FLAG.request },
  get: { type: TYPE(IPCTNL_MSG_CT.get), flags: NLM_FLAG.request },
};

/** Appends a request to `writer`: many requests may go to the kernel in one `send`. Needs CAP_NET_ADMIN. */
export function writeConntrackRequest(
  writer: MessageWriter,
  operation: ConntrackOperation,
  entry: ConntrackRequest,
): void {
  writer.begin(OPERATION_HEADER[operation]);
  writeEntry(writer, entry.family, entry);
  writer.end();
}

/** One request as bytes, for `request()` of a socket. */
export function encodeConntrackRequest(
  operation: ConntrackOperation,
  entry: ConntrackRequest,
): Uint8Array<ArrayBuffer> {
  const writer = new MessageWriter();
  writeConntrackRequest(writer, operation, entry);
  return writer.bytes;
}

/** Which entries a dump gives. Kernels that do not know a filter ignore it, so the reader must filter as well. */
export interface ConntrackDumpFilter {
  /** AF_INET 2 or AF_INET6 10; default both. */
  readonly family?: number;
  /** Linux 6.8. */
  readonly zone?: number;
  readonly mark?: { readonly value: number; readonly mask: number };
  /** Bits of `mask` as in `value`. Linux 5.15. */
  readonly status?: { readonly value: number; readonly mask: number };
  /** Transport protocol; needs `family`. Linux 5.8; newer kernels refuse what they do not know, older ones ignore it. */
  readonly protocol?: number;
}

/** The request for a dump of the table, for `dump()` of a socket. Throws RangeError for a protocol without a family. */
export function encodeConntrackDump(filter: ConntrackDumpFilter = {}): Uint8Array<ArrayBuffer> {
  const { family = 0, zone, mark, status, protocol } = filter;
  const writer = new MessageWriter();
  writer.begin({ type: TYPE(IPCTNL_MSG_CT.get), flags: NLM_FLAG.request | NLM_FLAG.dump });
  writer.raw(Uint8Array.of(family, 0, 0, 0));
  if (protocol !== undefined) {
    if (family === 0) throw new RangeError("a dump can be filtered by protocol only together with a family");
    writeProtocolFilter(writer, protocol);
  }
  if (status !== undefined) {
    writer.u32be(CTA.status, status.value);
    writer.u32be(CTA.statusMask, status.mask);
  }
  if (mark !== undefined) {
    writer.u32be(CTA.mark, mark.value);
    writer.u32be(CTA.markMask, mark.mask);
  }
  if (zone !== undefined) writer.u16be(CTA.zone, zone);
  writer.end();
  return writer.bytes;
}

function writeProtocolFilter(writer: MessageWriter, protocol: number): void {
  const tuple = writer.beginNested(CTA.tupleOrig);
  const proto = writer.beginNested(CTA_TUPLE.proto);
  writer.u8(CTA_PROTO.number, protocol);
  writer.endNested(proto);
  writer.endNested(tuple);
  const filter = writer.beginNested(CTA.filter);
  writer.u32(CTA_FILTER.originalFlags, CTA_FILTER_FLAG.protoNumber);
  writer.endNested(filter);
}

function writeEntry(writer: MessageWriter, family: number, entry: ConntrackRequest): void {
  writer.raw(Uint8Array.of(family, 0, 0, 0));
  writeTuple(writer, CTA.tupleOrig, entry.original);
  writeTuple(writer, CTA.tupleReply, entry.reply);
  if (entry.zone !== undefined) writer.u16be(CTA.zone, entry.zone);
  writeU32(writer, CTA.id, entry.id);
  writeU32(writer, CTA.status, entry.status);
  writeU32(writer, CTA.timeout, entry.timeout);
  if (entry.originalCounters !== undefined) encodeCounters(writer, CTA.countersOrig, entry.originalCounters);
  if (entry.replyCounters !== undefined) encodeCounters(writer, CTA.countersReply, entry.replyCounters);
  if (entry.startNs !== undefined || entry.stopNs !== undefined) encodeTimestamps(writer, entry);
  if (entry.protoInfo !== undefined) encodeProtoInfo(writer, entry.protoInfo);
  if (entry.helper !== undefined) encodeHelper(writer, entry.helper);
  if (entry.labels !== undefined) writer.bytesOf(CTA.labels, entry.labels);
  writeTuple(writer, CTA.tupleMaster, entry.master);
  writeU32(writer, CTA.mark, entry.mark);
  writeU32(writer, CTA.use, entry.use);
  if (entry.eventNs !== undefined) writer.u64be(CTA.timestampEvent, entry.eventNs);
}

function writeTuple(writer: MessageWriter, type: number, tuple: ConntrackTuple | undefined): void {
  if (tuple !== undefined) encodeTuple(writer, type, tuple);
}

function writeU32(writer: MessageWriter, type: number, value: number | undefined): void {
  if (value !== undefined) writer.u32be(type, value);
}
