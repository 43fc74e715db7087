/** Numbers of `linux/inet_diag.h`. Ports and addresses are in network order, everything else in host order. */

/** Bytes of `struct inet_diag_msg`; attributes follow. */
export const INET_DIAG_MSG_BYTES = 72;

/** Offsets inside `struct inet_diag_msg`, which begins where the message's payload does. */
export const INET_DIAG_MSG_OFFSET = {
  family: 0, // u8 idiag_family
  state: 1, // u8 idiag_state, net/tcp_states.h
  timer: 2, // u8 idiag_timer
  retransmits: 3, // u8 idiag_retrans
  sourcePort: 4, // be16 id.idiag_sport
  destinationPort: 6, // be16 id.idiag_dport
  source: 8, // 16 bytes id.idiag_src; an IPv4 address in the first 4
  destination: 24, // 16 bytes id.idiag_dst
  interface: 40, // u32 id.idiag_if
  cookie: 44, // 2 u32, the low word first: id.idiag_cookie
  expires: 52, // u32 idiag_expires, milliseconds
  receiveQueue: 56, // u32 idiag_rqueue
  sendQueue: 60, // u32 idiag_wqueue
  uid: 64, // u32 idiag_uid
  inode: 68, // u32 idiag_inode
} as const;

/** Bytes of `struct inet_diag_req_v2`. */
export const INET_DIAG_REQUEST_BYTES = 56;

/** Offsets inside `struct inet_diag_req_v2`. */
export const INET_DIAG_REQUEST_OFFSET = {
  family: 0, // u8 sdiag_family
  protocol: 1, // u8 sdiag_protocol
  extensions: 2, // u8 idiag_ext: 1 << (INET_DIAG - 1)
  states: 4, // u32 idiag_states: 1 << state
  socketId: 8, // struct inet_diag_sockid, 48 bytes, as in the message from `sourcePort` to `cookie`
} as const;

/** `INET_DIAG_NOCOOKIE`: in a request, both words of the cookie. */
export const INET_DIAG_NOCOOKIE = 0xffffffff;

/** Attributes of an answer (the enum of extensions). */
export const INET_DIAG = {
  memoryInfo: 1, // INET_DIAG_MEMINFO
  info: 2, // INET_DIAG_INFO, struct tcp_info
  congestion: 4, // INET_DIAG_CONG, text
  tos: 5, // INET_DIAG_TOS, u8
  trafficClass: 6, // INET_DIAG_TCLASS, u8
  socketMemory: 7, // INET_DIAG_SKMEMINFO
  shutdown: 8, // INET_DIAG_SHUTDOWN, u8; always sent
  protocol: 10, // INET_DIAG_PROTOCOL, u8; of raw sockets and in events of SKNLGRP
  v6Only: 11, // INET_DIAG_SKV6ONLY, u8; always sent of IPv6 sockets
  locals: 12, // INET_DIAG_LOCALS, SCTP: an array of struct sockaddr_storage
  peers: 13, // INET_DIAG_PEERS, the same; of an association, not of an endpoint
  mark: 15, // INET_DIAG_MARK, u32; with CAP_NET_ADMIN
  classId: 17, // INET_DIAG_CLASS_ID, u32
  cgroupId: 21, // INET_DIAG_CGROUP_ID, u64; always sent, Linux 5.7
  socketOptions: 22, // INET_DIAG_SOCKOPT
} as const;
