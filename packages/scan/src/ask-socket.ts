/** The socket of one end, asked for by its addresses and ports: one message to sock_diag(7) and one back, from inside the end's network namespace. */
import { isIpv4, kindProtocol, PROTOCOL, SOCKET_STATE, TRACE } from "@conntrail/model";
import {
  INET_DIAG_MSG_OFFSET as AT,
  encodeInetDiagLookup,
  INET_DIAG_MSG_BYTES,
  LITTLE_ENDIAN,
  MessageCursor,
  SOCK_DIAG_BY_FAMILY,
} from "@conntrail/netlink";
import { type NetlinkSocket, request } from "@conntrail/netlink/socket";

const AF_INET = 2;
const AF_INET6 = 10;

/** The inode of the socket of the end in the trace row at word `at`; 0 when there is none that a process can hold. Throws OpError. */
export function askSocket(socket: NetlinkSocket, rows: Uint32Array, at: number): number {
  const protocol = kindProtocol(rows[at + TRACE.kind]!);
  const ports = rows[at + TRACE.ports]!;
  const isV4 = isIpv4(rows, at + TRACE.local);
  const address = (field: number): Uint8Array => {
    const bytes = new Uint8Array(rows.buffer, rows.byteOffset + (at + field) * 4, 16);
    return isV4 ? bytes.subarray(12) : bytes;
  };
  const question = encodeInetDiagLookup({
    family: isV4 ? AF_INET : AF_INET6,
    protocol,
    local: address(TRACE.local),
    localPort: ports >>> 16,
    remote: address(TRACE.remote),
    remotePort: ports & 0xffff,
  });
  let inode = 0;
  request(socket, question, (block, offset, length) => {
    const message = new MessageCursor(block).over(offset, length);
    while (message.nextWhole()) {
      if (message.type === SOCK_DIAG_BY_FAMILY) inode = inodeOf(message, protocol, ports);
    }
  });
  return inode;
}

/** 0 for a socket of another end: a listener stands in for a connection that is not there. */
function inodeOf({ view, bytes, payload, end }: MessageCursor, protocol: number, ports: number): number {
  if (end - payload < INET_DIAG_MSG_BYTES || view.getUint16(payload + AT.sourcePort) !== ports >>> 16) return 0;
  if (protocol === PROTOCOL.tcp) {
    if (bytes[payload + AT.state] === SOCKET_STATE.listen) return 0;
    if (view.getUint16(payload + AT.destinationPort) !== (ports & 0xffff)) return 0;
  }
  return view.getUint32(payload + AT.inode, LITTLE_ENDIAN);
}
