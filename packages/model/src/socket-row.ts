/** A socket as a row of 32-bit words, as sock_diag or /proc/net/{tcp,udp} shows it. The layout rules are those of flow-row.ts. */

/** Word offsets inside a row. */
export const SOCKET = {
  local: 0, // 4 words
  remote: 4, // 4 words
  ports: 8, // local << 16 | remote
  kind: 9, // protocol | family << 8 | SOCKET_STATE << 16 | SOCKET_FLAG bits << 24
  netns: 10, // inode of the network namespace
  inode: 11, // inode of the socket, 0 = none (kernel sockets, TIME_WAIT)
  device: 12, // index of the interface that the socket is bound to, also by the scope of a link-local address; 0 = none, or read from /proc
  owner: 13, // 1 + index into the table's owners, 0 = unknown: see reason
  reason: 14, // OWNER_REASON when owner is 0
  cookieLow: 15, // sock_diag's cookie, 0 when read from /proc
  cookieHigh: 16,
  owners: 17, // how many processes hold the socket; `owner` is the one with the lowest pid, of a listener the one that accepts
  bytesSent: 18, // double, TCP_INFO tcpi_bytes_acked, -1 = unknown
  bytesReceived: 20, // double, TCP_INFO tcpi_bytes_received, -1 = unknown
  rttMicros: 22, // TCP_INFO tcpi_rtt, 0 = unknown
  retransmits: 23, // TCP_INFO tcpi_total_retrans
} as const;

/** Words in a row: 96 bytes. */
export const SOCKET_WORDS = 24;

/** Flags in the top byte of `SOCKET.kind`. */
export const SOCKET_FLAG = {
  dualStack: 1, // an IPv6 listener that also accepts IPv4 (no IPV6_V6ONLY)
  otherPath: 2, // SCTP: a pair of addresses of an association beside its primary path; no connection of its own
} as const;
