/** Numbers the kernel gives to protocols, families and TCP states. Sources: `linux/in.h`, `linux/netfilter/nf_conntrack_tcp.h`, `net/tcp_states.h`. */

/** Transport protocols that conntrack knows (`IPPROTO_*`). */
export const PROTOCOL = {
  icmp: 1, // IPPROTO_ICMP
  tcp: 6, // IPPROTO_TCP
  udp: 17, // IPPROTO_UDP
  dccp: 33, // IPPROTO_DCCP
  gre: 47, // IPPROTO_GRE
  icmpv6: 58, // IPPROTO_ICMPV6
  sctp: 132, // IPPROTO_SCTP
  udplite: 136, // IPPROTO_UDPLITE
} as const;

const PROTOCOL_NAMES = new Map<number, string>(Object.entries(PROTOCOL).map(([name, number]) => [number, name]));

/** The protocol's lower-case name, or its number as text. */
export function protocolName(protocol: number): string {
  return PROTOCOL_NAMES.get(protocol) ?? String(protocol);
}

/** The protocol's number from its name or number as text; `undefined` when it is neither. */
export function protocolNumber(name: string): number | undefined {
  const key = name.toLowerCase();
  if (Object.hasOwn(PROTOCOL, key)) return PROTOCOL[key as keyof typeof PROTOCOL];
  return /^\d{1,3}$/.test(name) && Number(name) < 256 ? Number(name) : undefined;
}

/** True for protocols whose ends are told apart by ports. */
export function hasPorts(protocol: number): boolean {
  return (
    protocol === PROTOCOL.tcp ||
    protocol === PROTOCOL.udp ||
    protocol === PROTOCOL.sctp ||
    protocol === PROTOCOL.dccp ||
    protocol === PROTOCOL.udplite
  );
}

/** True for ICMP and ICMPv6, whose "ports" are an id at the source and a type and code at the destination. */
export function isIcmp(protocol: number): boolean {
  return protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6;
}

/** Address families (`AF_*`, `linux/socket.h`). */
export const FAMILY = { ipv4: 2, ipv6: 10 } as const;

/** conntrack's TCP states (`enum tcp_conntrack`, linux/netfilter/nf_conntrack_tcp.h). */
export const CT_TCP_STATE = {
  none: 0, // TCP_CONNTRACK_NONE
  synSent: 1, // TCP_CONNTRACK_SYN_SENT
  synRecv: 2, // TCP_CONNTRACK_SYN_RECV
  established: 3, // TCP_CONNTRACK_ESTABLISHED
  finWait: 4, // TCP_CONNTRACK_FIN_WAIT
  closeWait: 5, // TCP_CONNTRACK_CLOSE_WAIT
  lastAck: 6, // TCP_CONNTRACK_LAST_ACK
  timeWait: 7, // TCP_CONNTRACK_TIME_WAIT
  close: 8, // TCP_CONNTRACK_CLOSE
  synSent2: 9, // TCP_CONNTRACK_SYN_SENT2
} as const;

/** States of an SCTP association (`enum sctp_state`, net/sctp/constants.h), by what a TCP socket's state says the same: an index of this list is the kernel's number. */
export const ASSOCIATION_STATES: readonly number[] = [
  7, // SCTP_STATE_CLOSED: close
  2, // SCTP_STATE_COOKIE_WAIT: synSent
  2, // SCTP_STATE_COOKIE_ECHOED: synSent
  1, // SCTP_STATE_ESTABLISHED: established
  4, // SCTP_STATE_SHUTDOWN_PENDING: finWait1
  5, // SCTP_STATE_SHUTDOWN_SENT: finWait2
  8, // SCTP_STATE_SHUTDOWN_RECEIVED: closeWait
  9, // SCTP_STATE_SHUTDOWN_ACK_SENT: lastAck
];

/** conntrack's SCTP states (`enum sctp_conntrack`, linux/netfilter/nf_conntrack_sctp.h). */
export const CT_SCTP_STATE = {
  none: 0, // SCTP_CONNTRACK_NONE
  closed: 1, // SCTP_CONNTRACK_CLOSED
  cookieWait: 2, // SCTP_CONNTRACK_COOKIE_WAIT
  cookieEchoed: 3, // SCTP_CONNTRACK_COOKIE_ECHOED
  established: 4, // SCTP_CONNTRACK_ESTABLISHED
  shutdownSent: 5, // SCTP_CONNTRACK_SHUTDOWN_SENT
  shutdownRecd: 6, // SCTP_CONNTRACK_SHUTDOWN_RECD
  shutdownAckSent: 7, // SCTP_CONNTRACK_SHUTDOWN_ACK_SENT
  heartbeatSent: 8, // SCTP_CONNTRACK_HEARTBEAT_SENT
} as const;

/** conntrack's status bits (`enum ip_conntrack_status`, linux/netfilter/nf_conntrack_common.h). */
export const CT_STATUS = {
  expected: 1, // IPS_EXPECTED
  seenReply: 2, // IPS_SEEN_REPLY
  assured: 4, // IPS_ASSURED
  confirmed: 8, // IPS_CONFIRMED
  srcNat: 0x10, // IPS_SRC_NAT
  dstNat: 0x20, // IPS_DST_NAT
  dying: 0x200, // IPS_DYING
  fixedTimeout: 0x400, // IPS_FIXED_TIMEOUT
  template: 0x800, // IPS_TEMPLATE
  helper: 0x2000, // IPS_HELPER
  offload: 0x4000, // IPS_OFFLOAD
  hwOffload: 0x8000, // IPS_HW_OFFLOAD
} as const;

/** States of a TCP socket (`net/tcp_states.h`); also what /proc/net/tcp and sock_diag print for other protocols. */
export const SOCKET_STATE = {
  established: 1, // TCP_ESTABLISHED
  synSent: 2, // TCP_SYN_SENT
  synRecv: 3, // TCP_SYN_RECV
  finWait1: 4, // TCP_FIN_WAIT1
  finWait2: 5, // TCP_FIN_WAIT2
  timeWait: 6, // TCP_TIME_WAIT
  close: 7, // TCP_CLOSE
  closeWait: 8, // TCP_CLOSE_WAIT
  lastAck: 9, // TCP_LAST_ACK
  listen: 10, // TCP_LISTEN
  closing: 11, // TCP_CLOSING
  newSynRecv: 12, // TCP_NEW_SYN_RECV
} as const;

/** UDP services whose flows are counted by client and server instead of being kept one by one, unless it is said otherwise: names, for which a host asks all day from a new port each time. */
export const COUNTED_UDP_PORTS: readonly number[] = [53];
