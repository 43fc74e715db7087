/** From the kernel's states to ours. Sources: `linux/netfilter/nf_conntrack_{tcp,sctp,common}.h`, `net/tcp_states.h`. */
import {
  CT_SCTP_STATE,
  CT_STATUS,
  CT_TCP_STATE,
  FLOW_FLAG,
  kindFlags,
  kindProtocol,
  kindState,
  PROTOCOL,
  SOCKET_STATE,
} from "@conntrail/model";
import { STATE } from "../codes.ts";

/**
 * The CONNECTION_STATE of a flow, as its index, from its FLOW.kind and FLOW.status words; `ended`: its end is known. A TCP flow that
 * no UPDATE ever spoke of is not told as established, unless a dump had it (S7).
 */
export function flowState(kind: number, status: number, ended: boolean): number {
  const flags = kindFlags(kind);
  const replied = (flags & FLOW_FLAG.replied) !== 0 || (status & CT_STATUS.seenReply) !== 0;
  const protocol = kindProtocol(kind);
  if (protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.sctp) {
    if (ended) return replied ? STATE.closed : STATE.failed;
    return replied ? STATE.established : STATE.unreplied;
  }
  const phase =
    protocol === PROTOCOL.tcp
      ? tcpPhase(kindState(kind))
      : sctpPhase(kindState(kind), (flags & FLOW_FLAG.closed) !== 0);
  const was = (flags & FLOW_FLAG.established) !== 0 || (status & CT_STATUS.assured) !== 0;
  if (ended || phase === "over") return was || hasBegun(kind, phase) ? STATE.closed : STATE.failed;
  if (phase === "closing") return STATE.closing;
  const told = (flags & (FLOW_FLAG.updated | FLOW_FLAG.fromDump)) !== 0;
  if (phase === "established" && told) return STATE.established;
  return replied ? STATE.opening : STATE.unreplied;
}

type Phase = "handshake" | "established" | "closing" | "over";

function tcpPhase(state: number): Phase {
  switch (state) {
    case CT_TCP_STATE.established:
      return "established";
    case CT_TCP_STATE.finWait:
    case CT_TCP_STATE.closeWait:
    case CT_TCP_STATE.lastAck:
      return "closing";
    case CT_TCP_STATE.timeWait:
    case CT_TCP_STATE.close:
      return "over";
    default:
      return "handshake";
  }
}

/** SCTP begins in CLOSED and ends there: whether it has ended, ingest has seen. */
function sctpPhase(state: number, closed: boolean): Phase {
  switch (state) {
    case CT_SCTP_STATE.established:
      return "established";
    case CT_SCTP_STATE.shutdownSent:
    case CT_SCTP_STATE.shutdownRecd:
    case CT_SCTP_STATE.shutdownAckSent:
      return "closing";
    case CT_SCTP_STATE.closed:
      return closed ? "over" : "handshake";
    default:
      return "handshake";
  }
}

/** True for states that only an established connection reaches. TCP's TIME_WAIT does, its CLOSE does not: a RST leads there from anywhere. */
function hasBegun(kind: number, phase: Phase): boolean {
  if (phase === "established" || phase === "closing") return true;
  return kindProtocol(kind) === PROTOCOL.tcp && kindState(kind) === CT_TCP_STATE.timeWait;
}

/** The CONNECTION_STATE of a socket, as its index; `unknown` for the states that are no connection (LISTEN, TIME_WAIT, SYN_RECV, CLOSE). */
export function socketState(state: number): number {
  switch (state) {
    case SOCKET_STATE.established:
      return STATE.established;
    case SOCKET_STATE.finWait1:
    case SOCKET_STATE.finWait2:
    case SOCKET_STATE.closeWait:
    case SOCKET_STATE.lastAck:
    case SOCKET_STATE.closing:
      return STATE.closing;
    case SOCKET_STATE.synSent:
      return STATE.opening;
    default:
      return STATE.unknown;
  }
}

/** True for the states in which a socket may be the first sign of a connection (S11, and SYN_SENT); LAST_ACK and CLOSING only end one. */
export function startsConnection(state: number): boolean {
  return socketState(state) !== STATE.unknown && state !== SOCKET_STATE.lastAck && state !== SOCKET_STATE.closing;
}

/** The state of a connection from those of its members or sides: the one that has come furthest. 0 stands for a side that says nothing. */
export function furthestState(a: number, b: number): number {
  return PROGRESS[a]! >= PROGRESS[b]! ? a : b;
}

const PROGRESS: Readonly<Record<number, number>> = {
  [STATE.unknown]: 0,
  [STATE.unreplied]: 1,
  [STATE.opening]: 2,
  [STATE.established]: 3,
  [STATE.closing]: 4,
  [STATE.failed]: 5,
  [STATE.closed]: 6,
};
