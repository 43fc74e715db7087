/** Offsets inside `struct tcp_info` of `linux/tcp.h`, the payload of INET_DIAG_INFO. Kernels only ever lengthen it: a short one lacks the last fields. */
export const TCP_INFO_OFFSET = {
  state: 0, // u8 tcpi_state
  rtt: 68, // u32 tcpi_rtt, microseconds
  rttVariance: 72, // u32 tcpi_rttvar, microseconds
  totalRetransmits: 100, // u32 tcpi_total_retrans
  bytesAcked: 120, // u64 tcpi_bytes_acked, Linux 4.1
  bytesReceived: 128, // u64 tcpi_bytes_received, Linux 4.1
} as const;
