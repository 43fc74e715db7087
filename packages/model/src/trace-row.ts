/**
 * What the kernel was seen to do with a connection, as a row of 32-bit words: one process opened it, or closed one end of it, at a
 * moment. The layout rules are those of flow-row.ts.
 */

/** Word offsets inside a row. */
export const TRACE = {
  local: 0, // 4 words: the process's end
  remote: 4, // 4 words
  ports: 8, // local << 16 | remote
  kind: 9, // protocol | family << 8 | TRACE_ROLE << 16
  netns: 10, // inode of the network namespace that the thread was in, 0 = unknown; the socket may have been made in another
  owner: 11, // 1 + index into the batch's owners; 0 = somebody who is not known (opened alone)
  sinceMs: 12, // double, Unix milliseconds: when the process called
  untilMs: 14, // double, Unix milliseconds: when the ports were known to belong to it; the same for a closing
} as const;

/** Words in a row: 64 bytes. */
export const TRACE_WORDS = 16;

/** What the process did. */
export const TRACE_ROLE = {
  opened: 1, // it called connect(2): its end is the opener's
  closed: 2, // it called close(2) or shutdown(2), or ended: it held this end, whoever opened the connection
  sent: 3, // it sent a datagram from this end
  held: 4, // it was found with the socket of this end at that moment (no word of the trace: a look-up)
} as const;

/** One of TRACE_ROLE. */
export type TraceRole = (typeof TRACE_ROLE)[keyof typeof TRACE_ROLE];
