/**
 * A question to sock_diag(7) for the one socket of an end. Sources: `linux/inet_diag.h`, `inet_diag_find_one_icsk` (net/ipv4/inet_diag.c), `udp_dump_one`
 * (net/ipv4/udp_diag.c).
 */
import { LITTLE_ENDIAN } from "./byte-order.ts";
import {
  INET_DIAG_MSG_OFFSET,
  INET_DIAG_NOCOOKIE,
  INET_DIAG_REQUEST_BYTES,
  INET_DIAG_REQUEST_OFFSET,
} from "./inet-diag-enum.ts";
import { MessageWriter } from "./message-writer.ts";
import { NLM_FLAG } from "./netlink-enum.ts";
import { SOCK_DIAG_BY_FAMILY } from "./sock-diag-enum.ts";
import { viewOf } from "./view.ts";

/** An end of a connection, as its socket knows it. */
export interface InetDiagEnd {
  /** AF_INET 2 or AF_INET6 10. AF_INET finds IPv6 sockets that carry IPv4, too. */
  readonly family: number;
  /** IPPROTO_TCP 6 or IPPROTO_UDP 17. */
  readonly protocol: number;
  /** 4 or 16 bytes by `family`, in network order. */
  readonly local: Uint8Array;
  readonly localPort: number;
  readonly remote: Uint8Array;
  readonly remotePort: number;
}

const IPPROTO_UDP = 17;

/**
 * The question, for `request()` of a socket. The kernel answers with one message or ENOENT. Where a TCP connection is not there, it may answer with the
 * listener of the port; of UDP, with the socket that a datagram from the remote end would be delivered to.
 */
export function encodeInetDiagLookup(end: InetDiagEnd): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(INET_DIAG_REQUEST_BYTES);
  const view = viewOf(payload);
  payload[INET_DIAG_REQUEST_OFFSET.family] = end.family;
  payload[INET_DIAG_REQUEST_OFFSET.protocol] = end.protocol;
  view.setUint32(INET_DIAG_REQUEST_OFFSET.states, 0xffffffff, LITTLE_ENDIAN);
  const id = (field: number): number => INET_DIAG_REQUEST_OFFSET.socketId + field - INET_DIAG_MSG_OFFSET.sourcePort;
  // "src and dst are swapped for historical reasons" (udp_dump_one): the question of UDP is a datagram that arrives.
  const arrives = end.protocol === IPPROTO_UDP;
  const { sourcePort, destinationPort, source, destination, cookie } = INET_DIAG_MSG_OFFSET;
  view.setUint16(id(arrives ? destinationPort : sourcePort), end.localPort);
  view.setUint16(id(arrives ? sourcePort : destinationPort), end.remotePort);
  payload.set(end.local, id(arrives ? destination : source));
  payload.set(end.remote, id(arrives ? source : destination));
  view.setUint32(id(cookie), INET_DIAG_NOCOOKIE);
  view.setUint32(id(cookie) + 4, INET_DIAG_NOCOOKIE);
  const writer = new MessageWriter(128);
  writer.begin({ type: SOCK_DIAG_BY_FAMILY, flags: NLM_FLAG.request });
  writer.raw(payload);
  writer.end();
  return writer.bytes;
}
