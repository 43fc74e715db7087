/** What the states and status bits of conntrack mean for a flow's life. Source: `linux/netfilter/nf_conntrack_{tcp,sctp,common}.h`. */
import { CT_SCTP_STATE, CT_STATUS, CT_TCP_STATE, FLOW_FLAG, PROTOCOL } from "@conntrail/model";

const CT_DCCP_TIMEWAIT = 7; // CT_DCCP_TIMEWAIT

/**
 * True for the states from which a connection does not come back: its closing is to be told (S6). Since Linux 6 SCTP begins in CLOSED: there
 * an answer seen in `status` tells the end from the beginning.
 */
export function isClosedState(protocol: number, state: number, status: number): boolean {
  switch (protocol) {
    case PROTOCOL.tcp:
      return state === CT_TCP_STATE.timeWait || state === CT_TCP_STATE.close;
    case PROTOCOL.sctp:
      if (state === CT_SCTP_STATE.closed) return (status & CT_STATUS.seenReply) !== 0;
      return state === CT_SCTP_STATE.shutdownAckSent;
    case PROTOCOL.dccp:
      return state === CT_DCCP_TIMEWAIT;
    default:
      return false;
  }
}

/** The flags of FLOW_FLAG that a state and status give a flow for good: closed, replied, established. */
export function lifeFlags(protocol: number, state: number, status: number): number {
  let flags = (status & CT_STATUS.seenReply) !== 0 ? FLOW_FLAG.replied : 0;
  if (isClosedState(protocol, state, status)) flags |= FLOW_FLAG.closed;
  if (protocol === PROTOCOL.tcp) {
    // conntrack sets ASSURED on the last packet of the handshake; the states behind ESTABLISHED are reached through it.
    const past = state >= CT_TCP_STATE.established && state <= CT_TCP_STATE.timeWait;
    if (past || (status & CT_STATUS.assured) !== 0) flags |= FLOW_FLAG.established;
  } else if (protocol === PROTOCOL.sctp) {
    const past = state >= CT_SCTP_STATE.established && state <= CT_SCTP_STATE.shutdownAckSent;
    if (past || (status & CT_STATUS.assured) !== 0) flags |= FLOW_FLAG.established;
  }
  return flags;
}
