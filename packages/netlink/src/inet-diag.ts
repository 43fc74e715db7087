/** Sockets through sock_diag(7): requests for a dump of one family and protocol, and answers. Sources: `linux/inet_diag.h`, net/ipv4/inet_diag.c. */
import { AttributeCursor } from "./attribute.ts";
import { LITTLE_ENDIAN } from "./byte-order.ts";
import { DecodeError } from "./errors.ts";
import { encodeNoLoopback } from "./inet-diag-bytecode.ts";
import {
  INET_DIAG,
  INET_DIAG_MSG_BYTES,
  INET_DIAG_MSG_OFFSET,
  INET_DIAG_NOCOOKIE,
  INET_DIAG_REQUEST_BYTES,
  INET_DIAG_REQUEST_OFFSET,
} from "./inet-diag-enum.ts";
import { MessageCursor } from "./message.ts";
import { MessageWriter } from "./message-writer.ts";
import { NLM_FLAG } from "./netlink-enum.ts";
import { SOCK_DIAG_BY_FAMILY } from "./sock-diag-enum.ts";
import { decodeSocketAddresses } from "./socket-addresses.ts";
import { TCP_INFO_OFFSET } from "./tcp-enum.ts";
import { viewOf } from "./view.ts";

/** Which sockets a dump gives. */
export interface InetDiagRequest {
  /** AF_INET 2 or AF_INET6 10. A dump of AF_INET6 holds dual-stack sockets with IPv4-mapped addresses. */
  readonly family: number;
  /** IPPROTO_TCP 6, IPPROTO_UDP 17, … */
  readonly protocol: number;
  /** Bits `1 << state` (net/tcp_states.h); default all. */
  readonly states?: number;
  /** Attributes wanted beside those that are always sent: numbers of INET_DIAG below 9. Default none. */
  readonly extensions?: readonly number[];
  /** Leave out sockets that are connected to an address of the loopback. Default false. */
  readonly noLoopback?: boolean;
}

/** A request for a dump of sockets, for `dump()` of a socket. Throws RangeError for an extension that cannot be asked for. */
export function encodeInetDiagRequest(request: InetDiagRequest): Uint8Array<ArrayBuffer> {
  const { family, protocol, states = 0xffffffff, extensions = [], noLoopback = false } = request;
  const payload = new Uint8Array(INET_DIAG_REQUEST_BYTES);
  const view = viewOf(payload);
  payload[INET_DIAG_REQUEST_OFFSET.family] = family;
  payload[INET_DIAG_REQUEST_OFFSET.protocol] = protocol;
  for (const extension of extensions) {
    if (extension < 1 || extension > 8) throw new RangeError(`extension ${extension} cannot be asked for`);
    payload[INET_DIAG_REQUEST_OFFSET.extensions]! |= 1 << (extension - 1);
  }
  view.setUint32(INET_DIAG_REQUEST_OFFSET.states, states, LITTLE_ENDIAN);
  const cookie = INET_DIAG_REQUEST_OFFSET.socketId + INET_DIAG_MSG_OFFSET.cookie - INET_DIAG_MSG_OFFSET.sourcePort;
  view.setUint32(cookie, INET_DIAG_NOCOOKIE);
  view.setUint32(cookie + 4, INET_DIAG_NOCOOKIE);
  const writer = new MessageWriter(128);
  writer.begin({ type: SOCK_DIAG_BY_FAMILY, flags: NLM_FLAG.request | NLM_FLAG.dump });
  writer.raw(payload);
  if (noLoopback) writer.raw(encodeNoLoopback());
  writer.end();
  return writer.bytes;
}

/** A socket. */
export interface InetDiagMessage {
  readonly family: number;
  /** net/tcp_states.h; for UDP 1 is connected and 7 is not. */
  readonly state: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** 4 or 16 bytes by `family`, in network order; copies. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly interface: number;
  /** Unique among all sockets since boot. */
  readonly cookie: bigint;
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly uid: number;
  /** 0 when no process holds it (TIME_WAIT, SYN_RECV, closed by its owner). */
  readonly inode: number;
  /** SCTP: the addresses of its own end and, of an association, of its peer: 4 or 16 bytes each, copies. `state` of an association is an `enum sctp_state`. */
  readonly locals?: readonly Uint8Array[];
  readonly peers?: readonly Uint8Array[];
  /** RCV_SHUTDOWN 1, SEND_SHUTDOWN 2. */
  readonly shutdown?: number;
  /** Of an IPv6 socket: it does not take IPv4. */
  readonly v6Only?: boolean;
  /** Transport protocol: of raw sockets, and in the events of SKNLGRP groups. */
  readonly protocol?: number;
  readonly mark?: number;
  readonly cgroupId?: bigint;
  /** Of TCP, when INET_DIAG.info was asked for. */
  readonly tcp?: TcpInfo;
}

/** The part of `struct tcp_info` that conntrail shows. */
export interface TcpInfo {
  readonly rttMicros: number;
  readonly totalRetransmits: number;
  /** Sent and acknowledged. */
  readonly bytesAcked?: bigint;
  readonly bytesReceived?: bigint;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Decodes the one message, header included, that begins at `offset` of `bytes`. The value holds copies. Throws DecodeError and nothing else. */
export function decodeInetDiag(bytes: Uint8Array, offset = 0, length: number = bytes.length - offset): InetDiagMessage {
  const message = new MessageCursor(bytes).over(offset, length);
  if (!message.next()) throw new DecodeError("truncated", offset, "", "expected a message, got no bytes");
  if (message.type !== SOCK_DIAG_BY_FAMILY) {
    throw new DecodeError("unexpected-message", offset, "", `expected SOCK_DIAG_BY_FAMILY, got type ${message.type}`);
  }
  const size = message.end - message.payload;
  if (size < INET_DIAG_MSG_BYTES) {
    const facts = `expected ${INET_DIAG_MSG_BYTES} bytes of inet_diag_msg, got ${size}`;
    throw new DecodeError("truncated", message.payload, "", facts);
  }
  const { view, payload } = message;
  const value = decodeFixedPart(bytes, view, payload);
  const at = new AttributeCursor(bytes, view).over(payload + INET_DIAG_MSG_BYTES, message.end);
  while (at.next()) decodeAttribute(at, value);
  return value;
}

function decodeFixedPart(bytes: Uint8Array, view: DataView, payload: number): Writable<InetDiagMessage> {
  const u32 = (field: number): number => view.getUint32(payload + field, LITTLE_ENDIAN);
  const family = bytes[payload + INET_DIAG_MSG_OFFSET.family]!;
  const address = (field: number): Uint8Array =>
    new Uint8Array(bytes.subarray(payload + field, payload + field + (family === 10 ? 16 : 4)));
  return {
    family,
    state: bytes[payload + INET_DIAG_MSG_OFFSET.state]!,
    sourcePort: view.getUint16(payload + INET_DIAG_MSG_OFFSET.sourcePort),
    destinationPort: view.getUint16(payload + INET_DIAG_MSG_OFFSET.destinationPort),
    source: address(INET_DIAG_MSG_OFFSET.source),
    destination: address(INET_DIAG_MSG_OFFSET.destination),
    interface: u32(INET_DIAG_MSG_OFFSET.interface),
    cookie: BigInt(u32(INET_DIAG_MSG_OFFSET.cookie)) | (BigInt(u32(INET_DIAG_MSG_OFFSET.cookie + 4)) << 32n),
    receiveQueue: u32(INET_DIAG_MSG_OFFSET.receiveQueue),
    sendQueue: u32(INET_DIAG_MSG_OFFSET.sendQueue),
    uid: u32(INET_DIAG_MSG_OFFSET.uid),
    inode: u32(INET_DIAG_MSG_OFFSET.inode),
  };
}

function decodeAttribute(at: AttributeCursor, value: Writable<InetDiagMessage>): void {
  switch (at.type) {
    case INET_DIAG.info:
      // Other protocols (SCTP, MPTCP) put their own structs here.
      if (at.length >= TCP_INFO_OFFSET.totalRetransmits + 4) value.tcp = decodeTcpInfo(at);
      break;
    case INET_DIAG.shutdown:
      value.shutdown = at.u8("shutdown");
      break;
    case INET_DIAG.protocol:
      value.protocol = at.u8("protocol");
      break;
    case INET_DIAG.v6Only:
      value.v6Only = at.u8("skv6only") !== 0;
      break;
    case INET_DIAG.locals:
      value.locals = decodeSocketAddresses(at, "locals");
      break;
    case INET_DIAG.peers:
      value.peers = decodeSocketAddresses(at, "peers");
      break;
    case INET_DIAG.mark:
      value.mark = at.u32("mark");
      break;
    case INET_DIAG.cgroupId:
      value.cgroupId = at.u64("cgroup-id");
      break;
  }
}

function decodeTcpInfo(at: AttributeCursor): TcpInfo {
  const { view, start, length } = at;
  const u64 = (field: number): bigint | undefined =>
    length >= field + 8 ? view.getBigUint64(start + field, LITTLE_ENDIAN) : undefined;
  const info: Writable<TcpInfo> = {
    rttMicros: view.getUint32(start + TCP_INFO_OFFSET.rtt, LITTLE_ENDIAN),
    totalRetransmits: view.getUint32(start + TCP_INFO_OFFSET.totalRetransmits, LITTLE_ENDIAN),
  };
  const bytesAcked = u64(TCP_INFO_OFFSET.bytesAcked);
  const bytesReceived = u64(TCP_INFO_OFFSET.bytesReceived);
  if (bytesAcked !== undefined) info.bytesAcked = bytesAcked;
  if (bytesReceived !== undefined) info.bytesReceived = bytesReceived;
  return info;
}
