/** What a TCP connection did, as the kernel's TCP_INFO tells of the socket at one end (tcp(7), include/uapi/linux/tcp.h): one record of doubles. */

/** Offsets inside a record. */
export const TCP_FACT = {
  originalBytes: 0, // payload that the opener sent and the server acknowledged; -1 = unknown
  replyBytes: 1, // payload the other way
  rttMicros: 2, // smoothed round-trip time as measured at the end
  retransmits: 3, // segments that the end sent again
  measuredMs: 4, // Unix milliseconds: when the socket was read
  end: 5, // TCP_END: whose socket it was
} as const;

/** Doubles in a record. */
export const TCP_FACT_DOUBLES = 6;

/** The ends by their number. */
export const TCP_END = ["from", "to"] as const;
