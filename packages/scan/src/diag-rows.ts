/**
 * sock_diag's answers as rows of a table, without an object per socket. A message is `struct inet_diag_msg` and attributes (`linux/inet_diag.h`);
 * its addresses are in network order, which is how a row keeps them.
 */
import {
  FAMILY,
  IPV4_MAPPED_WORD,
  isIpv4,
  PROTOCOL,
  packKind,
  SOCKET,
  SOCKET_FLAG,
  SOCKET_STATE,
  type SocketRows,
} from "@conntrail/model";
import {
  INET_DIAG_MSG_OFFSET as AT,
  AttributeCursor,
  INET_DIAG,
  INET_DIAG_MSG_BYTES,
  isDecodeError,
  LITTLE_ENDIAN,
  MessageCursor,
  NLMSG_HEADER_BYTES,
  SOCK_DIAG_BY_FAMILY,
  TCP_INFO_OFFSET,
} from "@conntrail/netlink";

import { addSctpRows } from "./sctp-diag-rows.ts";

/** `idiag_timer` of what is left of a connection in TIME_WAIT or FIN_WAIT2 (`inet_twsk_diag_fill`, net/ipv4/inet_diag.c). */
const TIME_WAIT_TIMER = 3;

/** Decodes the messages of one dump after another. Keeps cursors over the block it saw last: a dump uses one block throughout. */
export class DiagRows {
  /** Messages that could not be decoded. */
  undecodable = 0;
  /** By namespace: the interfaces that its sockets are bound to. */
  readonly devices: Map<number, Set<number>> = new Map();
  readonly #rows: SocketRows;
  #messages = new MessageCursor(new Uint8Array(0));
  #attributes = new AttributeCursor(new Uint8Array(0));

  constructor(rows: SocketRows) {
    this.#rows = rows;
  }

  /** Adds a row for each message in `block`; `protocol` and `netns` are those of the dump. Throws nothing. */
  add(protocol: number, netns: number, block: Uint8Array, offset: number, length: number): void {
    if (this.#messages.bytes !== block) {
      this.#messages = new MessageCursor(block);
      this.#attributes = new AttributeCursor(block, this.#messages.view);
    }
    this.#messages.over(offset, length);
    while (this.#next()) {
      if (this.#messages.type !== SOCK_DIAG_BY_FAMILY) continue;
      if (protocol === PROTOCOL.sctp) {
        this.#addSctp(netns);
        continue;
      }
      if (this.#isRemnant()) continue;
      if (this.#isWhole(protocol)) this.#addRow(protocol, netns);
      else this.undecodable++;
    }
  }

  #next(): boolean {
    try {
      return this.#messages.next();
    } catch (error) {
      if (!isDecodeError(error)) throw error;
      this.undecodable++;
      return false;
    }
  }

  /** What the kernel keeps of a closed connection (`struct inet_timewait_sock`) is no socket, though it may show the state FIN_WAIT2. */
  #isRemnant(): boolean {
    const { bytes, payload, end } = this.#messages;
    if (payload + AT.timer >= end || bytes[payload + AT.timer] !== TIME_WAIT_TIMER) return false;
    return bytes[payload + AT.state] !== SOCKET_STATE.timeWait;
  }

  /** A socket in the kernel's tables has a local port; a peer's is missing only where there is no peer. */
  #isWhole(protocol: number): boolean {
    const { bytes, view, payload, end } = this.#messages;
    if (end - payload < INET_DIAG_MSG_BYTES) return false;
    const family = bytes[payload + AT.family];
    if (family !== FAMILY.ipv4 && family !== FAMILY.ipv6) return false;
    if (view.getUint16(payload + AT.sourcePort) === 0) return false;
    const mayLackPeer = protocol !== PROTOCOL.tcp || bytes[payload + AT.state] === SOCKET_STATE.listen;
    return mayLackPeer || view.getUint16(payload + AT.destinationPort) !== 0;
  }

  #addSctp(netns: number): void {
    const { bytes, payload, end } = this.#messages;
    const start = payload - NLMSG_HEADER_BYTES;
    try {
      if (!addSctpRows(this.#rows, netns, bytes, start, end - start)) this.undecodable++;
    } catch (error) {
      if (!isDecodeError(error)) throw error;
      this.undecodable++;
    }
  }

  #addRow(protocol: number, netns: number): void {
    const offset = this.#rows.add();
    if (offset < 0) return;
    const { words } = this.#rows;
    const { bytes, view, payload } = this.#messages;
    const isIpv6 = bytes[payload + AT.family] === FAMILY.ipv6;
    this.#readAddress(payload + AT.source, isIpv6, offset + SOCKET.local);
    this.#readAddress(payload + AT.destination, isIpv6, offset + SOCKET.remote);
    // An IPv6 socket that carries IPv4 is an IPv4 connection (S11).
    const family =
      isIpv4(words, offset + SOCKET.local) || isIpv4(words, offset + SOCKET.remote) ? FAMILY.ipv4 : FAMILY.ipv6;
    words[offset + SOCKET.ports] =
      (view.getUint16(payload + AT.sourcePort) << 16) | view.getUint16(payload + AT.destinationPort);
    words[offset + SOCKET.netns] = netns;
    words[offset + SOCKET.inode] = view.getUint32(payload + AT.inode, LITTLE_ENDIAN);
    const device = view.getUint32(payload + AT.interface, LITTLE_ENDIAN);
    words[offset + SOCKET.device] = device;
    if (device !== 0) this.#noteDevice(netns, device);
    words[offset + SOCKET.cookieLow] = view.getUint32(payload + AT.cookie, LITTLE_ENDIAN);
    words[offset + SOCKET.cookieHigh] = view.getUint32(payload + AT.cookie + 4, LITTLE_ENDIAN);
    const flags = this.#readAttributes(protocol, offset);
    words[offset + SOCKET.kind] = packKind(
      protocol,
      family,
      bytes[payload + AT.state]!,
      family === FAMILY.ipv6 ? flags : 0,
    );
  }

  #noteDevice(netns: number, device: number): void {
    const known = this.devices.get(netns);
    if (known === undefined) this.devices.set(netns, new Set([device]));
    else known.add(device);
  }

  /** Words in the machine's order are a plain view of the bytes, whatever order these are in (model's address.ts). */
  #readAddress(from: number, isIpv6: boolean, to: number): void {
    const { view } = this.#messages;
    const { words } = this.#rows;
    if (isIpv6) {
      for (let i = 0; i < 4; i++) words[to + i] = view.getUint32(from + 4 * i, LITTLE_ENDIAN);
      return;
    }
    words[to + 2] = IPV4_MAPPED_WORD;
    words[to + 3] = view.getUint32(from, LITTLE_ENDIAN);
  }

  /** Fills what attributes tell and returns SOCKET_FLAG bits. An attribute that cannot be read costs what it would have told, not the socket. */
  #readAttributes(protocol: number, offset: number): number {
    const { payload, end } = this.#messages;
    const attributes = this.#attributes.over(payload + INET_DIAG_MSG_BYTES, end);
    let flags = 0;
    try {
      while (attributes.next()) {
        if (attributes.type === INET_DIAG.info && protocol === PROTOCOL.tcp) this.#readTcpInfo(offset);
        else if (attributes.type === INET_DIAG.v6Only)
          flags |= attributes.u8("skv6only") === 0 ? SOCKET_FLAG.dualStack : 0;
      }
    } catch (error) {
      if (!isDecodeError(error)) throw error;
      this.undecodable++;
    }
    return flags;
  }

  /** `struct tcp_info`; older kernels send fewer fields. Counts beyond 2^53 bytes lose their last digits. */
  #readTcpInfo(offset: number): void {
    const { view, start, length } = this.#attributes;
    const { words, doubles } = this.#rows;
    if (length < TCP_INFO_OFFSET.totalRetransmits + 4) return;
    words[offset + SOCKET.rttMicros] = view.getUint32(start + TCP_INFO_OFFSET.rtt, LITTLE_ENDIAN);
    words[offset + SOCKET.retransmits] = view.getUint32(start + TCP_INFO_OFFSET.totalRetransmits, LITTLE_ENDIAN);
    if (length < TCP_INFO_OFFSET.bytesReceived + 8) return;
    doubles[(offset + SOCKET.bytesSent) >> 1] = readU64(view, start + TCP_INFO_OFFSET.bytesAcked);
    doubles[(offset + SOCKET.bytesReceived) >> 1] = readU64(view, start + TCP_INFO_OFFSET.bytesReceived);
  }
}

function readU64(view: DataView, at: number): number {
  const low = view.getUint32(LITTLE_ENDIAN ? at : at + 4, LITTLE_ENDIAN);
  const high = view.getUint32(LITTLE_ENDIAN ? at + 4 : at, LITTLE_ENDIAN);
  return high * 0x1_0000_0000 + low;
}
