/** What a connection's packets do to conntrack and to the sockets: the course of TCP and UDP as lists of timed states. */
import { CT_STATUS, CT_TCP_STATE, SOCKET_STATE } from "@conntrail/model";
import { type EntryEvent, type Outcome, type SocketStep, TOLD } from "./lives.ts";

/** The moments of a connection. Milliseconds since the beginning of the history. */
export interface Moments {
  readonly beginMs: number;
  /** From packet to answer. */
  readonly roundTripMs: number;
  /** When the first side closes; of an abrupt end, when both sockets go. */
  readonly finMs: number;
  readonly endMs: number;
  /** How long conntrack keeps an entry that is over. */
  readonly keptMs: number;
  /** Who closes first. */
  readonly closer: "client" | "server";
  /** From the handshake to accept(). */
  readonly acceptMs: number;
  readonly outcome: Outcome;
}

/** Between two hops: a packet goes through a namespace. */
const HOP_MS = 0.015;

const CONFIRMED = CT_STATUS.confirmed;
const REPLIED = CONFIRMED | CT_STATUS.seenReply;
const ASSURED = REPLIED | CT_STATUS.assured;

/** The events of a TCP entry at the `hop`-th namespace. `nat` are the status bits of translation. */
export function tcpEntry(moments: Moments, hop: number, nat: number): EntryEvent[] {
  const { beginMs, roundTripMs, finMs, endMs, keptMs, outcome } = moments;
  const shift = hop * HOP_MS;
  const event = (atMs: number, told: number, state: number, status: number): EntryEvent => {
    return { atMs: atMs + shift, told, state, status: status | nat };
  };
  const begin = event(beginMs, TOLD.new, CT_TCP_STATE.synSent, CONFIRMED);
  if (outcome === "unanswered") return [begin, event(endMs, TOLD.destroy, CT_TCP_STATE.synSent, CONFIRMED)];
  const answeredMs = beginMs + roundTripMs * 0.6;
  if (outcome === "refused") {
    return [
      begin,
      event(answeredMs, TOLD.update, CT_TCP_STATE.close, REPLIED),
      event(endMs + keptMs, TOLD.destroy, CT_TCP_STATE.close, REPLIED),
    ];
  }
  const events = [
    begin,
    event(answeredMs, TOLD.update, CT_TCP_STATE.synRecv, REPLIED),
    event(beginMs + roundTripMs, TOLD.update, CT_TCP_STATE.established, ASSURED),
  ];
  if (outcome === "abrupt") return [...events, event(endMs, TOLD.destroy, CT_TCP_STATE.established, ASSURED)];
  if (outcome === "reset") events.push(event(endMs, TOLD.update, CT_TCP_STATE.close, ASSURED));
  else {
    const turnMs = Math.min((endMs - finMs) / 4, roundTripMs / 2);
    events.push(
      event(finMs, TOLD.update, CT_TCP_STATE.finWait, ASSURED),
      event(finMs + turnMs, TOLD.update, CT_TCP_STATE.closeWait, ASSURED),
      event(endMs - turnMs, TOLD.update, CT_TCP_STATE.lastAck, ASSURED),
      event(endMs, TOLD.update, CT_TCP_STATE.timeWait, ASSURED),
    );
  }
  const last = outcome === "reset" ? CT_TCP_STATE.close : CT_TCP_STATE.timeWait;
  events.push(event(endMs + keptMs, TOLD.destroy, last, ASSURED));
  return events;
}

/** The entry of a socket that is connected to itself: conntrack takes all packets for the opener's, and stays in the handshake (F58). */
export function selfEntry({ beginMs, endMs }: Moments): EntryEvent[] {
  const state = CT_TCP_STATE.synSent;
  return [
    { atMs: beginMs, told: TOLD.new, state, status: CONFIRMED },
    { atMs: endMs, told: TOLD.destroy, state, status: CONFIRMED },
  ];
}

/** The events of a UDP entry: the flow ends with the entry. */
export function udpEntry(moments: Moments, hop: number, nat: number): EntryEvent[] {
  const { beginMs, roundTripMs, endMs, outcome } = moments;
  const shift = hop * HOP_MS;
  const events = [{ atMs: beginMs + shift, told: TOLD.new as number, state: -1, status: CONFIRMED | nat }];
  if (outcome === "ok") {
    events.push({ atMs: beginMs + roundTripMs + shift, told: TOLD.update, state: -1, status: REPLIED | nat });
    const assuredMs = beginMs + roundTripMs + 2_000;
    if (assuredMs < endMs) {
      events.push({ atMs: assuredMs + shift, told: TOLD.update, state: -1, status: ASSURED | nat });
    }
  }
  events.push({ atMs: endMs + shift, told: TOLD.destroy, state: -1, status: events.at(-1)!.status });
  return events;
}

/** An entry that was deleted at `deletedMs` while the connection lived, and the one that the next packet made at `againMs`. */
export function deletedEntry(
  events: readonly EntryEvent[],
  deletedMs: number,
  againMs: number,
): readonly [EntryEvent[], EntryEvent[]] {
  const before = events.filter(({ atMs }) => atMs < deletedMs);
  const after = events.filter(({ atMs }) => atMs > againMs);
  const { state } = before.at(-1)!;
  return [
    [...before, { atMs: deletedMs, told: TOLD.destroy, state, status: before.at(-1)!.status }],
    [{ atMs: againMs, told: TOLD.new, state, status: CONFIRMED }, ...after],
  ];
}

/** The client's socket: its steps and its end. What is not held is the kernel's: the process has closed it. */
export function clientSteps(moments: Moments): { steps: SocketStep[]; endMs: number } {
  const { beginMs, roundTripMs, finMs, endMs, closer, outcome } = moments;
  const steps: SocketStep[] = [{ atMs: beginMs - 0.01, state: SOCKET_STATE.synSent, held: true }];
  if (outcome === "refused") return { steps, endMs: beginMs + roundTripMs * 0.6 };
  if (outcome === "unanswered") return { steps, endMs: endMs - (endMs - beginMs) * 0.1 };
  steps.push({ atMs: beginMs + roundTripMs, state: SOCKET_STATE.established, held: true });
  if (outcome === "reset") return { steps, endMs };
  if (outcome === "abrupt") return { steps, endMs: finMs };
  return { steps: [...steps, ...closing(closer === "client", finMs, endMs, roundTripMs)], endMs };
}

/** The server's socket: nobody's until it is accepted. */
export function serverSteps(moments: Moments): { steps: SocketStep[]; endMs: number } {
  const { beginMs, roundTripMs, finMs, endMs, closer, acceptMs, outcome } = moments;
  const readyMs = beginMs + roundTripMs;
  const heldMs = Math.min(readyMs + acceptMs, closer === "server" || outcome === "abrupt" ? finMs : endMs);
  const steps: SocketStep[] = [{ atMs: readyMs, state: SOCKET_STATE.established, held: false }];
  if (outcome === "reset" || outcome === "abrupt") {
    return {
      steps: [...steps, { ...steps[0]!, atMs: heldMs, held: true }],
      endMs: outcome === "reset" ? endMs : finMs,
    };
  }
  const rest = closing(closer === "server", finMs, endMs, roundTripMs);
  const held = { atMs: heldMs, state: SOCKET_STATE.established, held: true };
  const steady = [...steps, ...rest.filter(({ atMs }) => atMs < heldMs).map((step) => ({ ...step, held: false }))];
  const accepted = { ...held, state: steady.at(-1)!.state };
  return { steps: [...steady, accepted, ...rest.filter(({ atMs }) => atMs >= heldMs)], endMs };
}

/** What happens to a socket from the first FIN to the last acknowledgement. Half closed by shutdown(), it is still held. */
function closing(first: boolean, finMs: number, endMs: number, roundTripMs: number): SocketStep[] {
  const turnMs = Math.min((endMs - finMs) / 4, roundTripMs / 2);
  const halfClosed = endMs - finMs > 4 * turnMs;
  if (!first) {
    return [
      { atMs: finMs + turnMs, state: SOCKET_STATE.closeWait, held: true },
      { atMs: endMs - turnMs, state: SOCKET_STATE.lastAck, held: false },
    ];
  }
  return [
    { atMs: finMs, state: SOCKET_STATE.finWait1, held: halfClosed },
    { atMs: finMs + turnMs, state: SOCKET_STATE.finWait2, held: halfClosed },
  ];
}
