/** sock_diag's answers, written as the kernel writes them (`struct inet_diag_msg` and attributes, `linux/inet_diag.h`). */
import { FAMILY, parseAddress, SOCKET_STATE } from "@conntrail/model";
import {
  INET_DIAG_MSG_OFFSET as AT,
  INET_DIAG,
  INET_DIAG_MSG_BYTES,
  LITTLE_ENDIAN,
  MessageWriter,
  SOCK_DIAG_BY_FAMILY,
  TCP_INFO_OFFSET,
} from "@conntrail/netlink";

/** A socket; what is left out is as of an established connection of root's. */
export interface DiagSocket {
  readonly local: string;
  readonly remote: string;
  readonly family?: number;
  readonly state?: number;
  readonly timer?: number;
  readonly inode?: number;
  readonly device?: number;
  readonly cookie?: number;
  readonly v6Only?: boolean;
  /** Of SCTP: addresses of its own end and, of an association, of its peer. */
  readonly locals?: readonly string[];
  readonly peers?: readonly string[];
  readonly tcpInfo?: {
    readonly rtt: number;
    readonly retransmits: number;
    readonly acked: bigint;
    readonly received: bigint;
  };
}

/** One message per socket, in a row. Ends are written `10.0.0.1|80`. */
export function diagMessages(...sockets: readonly DiagSocket[]): Uint8Array {
  const writer = new MessageWriter();
  for (const socket of sockets) {
    writer.begin({ type: SOCK_DIAG_BY_FAMILY, flags: 2 });
    writer.raw(fixedPart(socket));
    writer.u8(INET_DIAG.shutdown, 0);
    if (socket.v6Only !== undefined) writer.u8(INET_DIAG.v6Only, socket.v6Only ? 1 : 0);
    if (socket.tcpInfo !== undefined) writer.bytesOf(INET_DIAG.info, tcpInfo(socket.tcpInfo));
    if (socket.locals !== undefined) writer.bytesOf(INET_DIAG.locals, socketAddresses(socket.locals));
    if (socket.peers !== undefined) writer.bytesOf(INET_DIAG.peers, socketAddresses(socket.peers));
    writer.end();
  }
  return writer.bytes.slice();
}

function fixedPart(socket: DiagSocket): Uint8Array {
  const { local, remote, family = FAMILY.ipv4, state = SOCKET_STATE.established } = socket;
  const bytes = new Uint8Array(INET_DIAG_MSG_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[AT.family] = family;
  bytes[AT.state] = state;
  bytes[AT.timer] = socket.timer ?? 0;
  writeEnd(view, local, family, AT.sourcePort, AT.source);
  writeEnd(view, remote, family, AT.destinationPort, AT.destination);
  view.setUint32(AT.cookie, socket.cookie ?? socket.inode ?? 1, LITTLE_ENDIAN);
  view.setUint32(AT.interface, socket.device ?? 0, LITTLE_ENDIAN);
  view.setUint32(AT.inode, socket.inode ?? 0, LITTLE_ENDIAN);
  return bytes;
}

function writeEnd(view: DataView, end: string, family: number, portAt: number, addressAt: number): void {
  const [address, port] = end.split("|");
  view.setUint16(portAt, Number(port));
  const all = new Uint8Array(parseAddress(address!)!.buffer);
  const bytes = family === FAMILY.ipv4 ? all.subarray(12) : all;
  for (const [i, byte] of bytes.entries()) view.setUint8(addressAt + i, byte);
}

/** An array of `struct sockaddr_storage`, of which the kernel fills in what the family has. */
function socketAddresses(addresses: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(128 * addresses.length);
  const view = new DataView(bytes.buffer);
  for (const [i, address] of addresses.entries()) {
    const ipv6 = address.includes(":");
    view.setUint16(128 * i, ipv6 ? FAMILY.ipv6 : FAMILY.ipv4, LITTLE_ENDIAN);
    const all = new Uint8Array(parseAddress(address)!.buffer);
    bytes.set(ipv6 ? all : all.subarray(12), 128 * i + (ipv6 ? 8 : 4));
  }
  return bytes;
}

function tcpInfo(info: NonNullable<DiagSocket["tcpInfo"]>): Uint8Array {
  const bytes = new Uint8Array(TCP_INFO_OFFSET.bytesReceived + 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(TCP_INFO_OFFSET.rtt, info.rtt, LITTLE_ENDIAN);
  view.setUint32(TCP_INFO_OFFSET.totalRetransmits, info.retransmits, LITTLE_ENDIAN);
  view.setBigUint64(TCP_INFO_OFFSET.bytesAcked, info.acked, LITTLE_ENDIAN);
  view.setBigUint64(TCP_INFO_OFFSET.bytesReceived, info.received, LITTLE_ENDIAN);
  return bytes;
}
