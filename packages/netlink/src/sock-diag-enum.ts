/** Numbers of `linux/sock_diag.h`. */

/** Type of a request for sockets, and of each answer. */
export const SOCK_DIAG_BY_FAMILY = 20; // SOCK_DIAG_BY_FAMILY

/** Multicast groups that tell of each socket that closes (`enum sknetlink_groups`); each for one family and protocol. */
export const SKNLGRP = {
  inetTcpDestroy: 1, // SKNLGRP_INET_TCP_DESTROY
  inetUdpDestroy: 2, // SKNLGRP_INET_UDP_DESTROY
  inet6TcpDestroy: 3, // SKNLGRP_INET6_TCP_DESTROY
  inet6UdpDestroy: 4, // SKNLGRP_INET6_UDP_DESTROY
} as const;
