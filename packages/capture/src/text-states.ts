/**
 * Protocol states as conntrack prints them (libnetfilter_conntrack src/conntrack/snprintf.c; the kernel's
 * nf_conntrack_proto_{tcp,sctp,dccp}.c for /proc). A state's place in its list is its number in ctnetlink.
 */
import { PROTOCOL } from "@conntrail/model";

const TCP_STATES = [
  "NONE", // TCP_CONNTRACK_NONE
  "SYN_SENT",
  "SYN_RECV",
  "ESTABLISHED",
  "FIN_WAIT",
  "CLOSE_WAIT",
  "LAST_ACK",
  "TIME_WAIT",
  "CLOSE",
  "SYN_SENT2",
] as const;

const SCTP_STATES = [
  "NONE", // SCTP_CONNTRACK_NONE
  "CLOSED",
  "COOKIE_WAIT",
  "COOKIE_ECHOED",
  "ESTABLISHED",
  "SHUTDOWN_SENT",
  "SHUTDOWN_RECD",
  "SHUTDOWN_ACK_SENT",
  "HEARTBEAT_SENT",
  "HEARTBEAT_ACKED",
] as const;

const DCCP_STATES = [
  "NONE", // CT_DCCP_NONE
  "REQUEST",
  "RESPOND",
  "PARTOPEN",
  "OPEN",
  "CLOSEREQ",
  "CLOSING",
  "TIMEWAIT",
  "IGNORE",
  "INVALID",
] as const;

/** The number of a printed state; `undefined` for a protocol without states and for a word that a newer kernel may print. */
export function stateNumber(protocol: number, word: string): number | undefined {
  switch (protocol) {
    case PROTOCOL.tcp:
      return place(TCP_STATES, word);
    case PROTOCOL.sctp:
      return place(SCTP_STATES, word);
    case PROTOCOL.dccp:
      // libnetfilter_conntrack up to 1.0.8 and later prints DCCP's states with SCTP's words.
      return place(DCCP_STATES, word) ?? place(SCTP_STATES, word);
    default:
      return undefined;
  }
}

function place(list: readonly string[], word: string): number | undefined {
  const at = list.indexOf(word);
  return at < 0 ? undefined : at;
}
