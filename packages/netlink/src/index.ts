/** Bytes to values and back, in reading order. Sockets are in `./socket`. */
export { align4 } from "./align.ts";
export { AttributeCursor } from "./attribute.ts";
export {
  attributeHeader,
  attributeLength,
  attributeType,
  firstByte,
  firstHalf,
  highHalf,
  lowHalf,
  wholeWord,
} from "./attribute-words.ts";
export type { BpfInstruction, BpfLine } from "./bpf.ts";
export { assembleBpf } from "./bpf.ts";
export { LITTLE_ENDIAN } from "./byte-order.ts";
export type {
  ConntrackCounters,
  ConntrackHelper,
  ConntrackKind,
  ConntrackMessage,
  ConntrackProto,
  ConntrackProtoInfo,
  ConntrackTuple,
  TcpFlags,
} from "./conntrack-message.ts";
export { conntrackKind, decodeConntrack } from "./decode-conntrack.ts";
export type { ConntrackDumpFilter, ConntrackOperation, ConntrackRequest } from "./encode-conntrack.ts";
export {
  encodeConntrack,
  encodeConntrackDump,
  encodeConntrackRequest,
  writeConntrackRequest,
} from "./encode-conntrack.ts";
export type { DecodeErrorCode } from "./errors.ts";
export { DecodeError, isDecodeError, isOpError, OpError } from "./errors.ts";
export * from "./filter-enum.ts";
export type { InetDiagMessage, InetDiagRequest, TcpInfo } from "./inet-diag.ts";
export { decodeInetDiag, encodeInetDiagRequest } from "./inet-diag.ts";
export * from "./inet-diag-enum.ts";
export { encodeInetDiagLookup, type InetDiagEnd } from "./inet-diag-lookup.ts";
export { MessageCursor } from "./message.ts";
export type { MessageHeader } from "./message-writer.ts";
export { MessageWriter } from "./message-writer.ts";
export * from "./netlink-enum.ts";
export * from "./nfnetlink-conntrack-enum.ts";
export * from "./nfnetlink-enum.ts";
export * from "./sock-diag-enum.ts";
export { decodeSocketAddresses } from "./socket-addresses.ts";
export * from "./tcp-enum.ts";
export { viewOf } from "./view.ts";
export { WordCursor } from "./word-cursor.ts";
