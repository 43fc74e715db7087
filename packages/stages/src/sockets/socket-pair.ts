/** Two sockets of one connection on one host, of which one may be unseen, and the pair as a flow row without NAT. */
import { ADDRESS_WORDS, FAMILY, FLOW, FLOW_WORDS, isIpv4, packKind } from "@conntrail/model";
import { furthestState, socketState } from "../flows/connection-state.ts";
import { NO_SOCKET, type Socket, type SocketSet } from "./socket-set.ts";

/** A pair, filled again and again. */
export class SocketPair {
  readonly set: SocketSet;
  /** The socket whose local end is the lower one (`compareEnds` of the model), and the other; NO_SOCKET: not seen. */
  low: Socket = NO_SOCKET;
  high: Socket = NO_SOCKET;
  /** Several could be the one that is not seen. */
  ambiguous = false;
  /** The pair as a flow row, by `write`. */
  readonly row: Uint32Array = new Uint32Array(FLOW_WORDS);
  readonly #doubles = new Float64Array(this.row.buffer);

  constructor(set: SocketSet) {
    this.set = set;
  }

  /** One that was seen. */
  get seen(): Socket {
    return this.low === NO_SOCKET ? this.high : this.low;
  }

  netnsOf(socket: Socket): number {
    return socket === NO_SOCKET ? 0 : this.set.netns(socket);
  }

  /** 0: not seen, or nothing tells it from others. */
  identityOf(socket: Socket): number {
    return socket === NO_SOCKET ? 0 : this.set.identity(socket);
  }

  /** The index of the interface that it is bound to, 0: none, or not seen. */
  indexOf(socket: Socket): number {
    return socket === NO_SOCKET ? 0 : this.set.device(socket);
  }

  /** One of SOCKET_STATE, 0: not seen. */
  stateOf(socket: Socket): number {
    return socket === NO_SOCKET ? 0 : this.set.state(socket);
  }

  /**
   * Writes the row, whose state is a CONNECTION_STATE. Bytes are payload, as TCP_INFO counts it: what the lower end says, else
   * what the other does; packets are not counted.
   */
  write(): void {
    const { set, row, low, high, seen } = this;
    const lowEnd = low === NO_SOCKET ? set.remote(seen) : set.local(seen);
    const highEnd = low === NO_SOCKET ? set.local(seen) : set.remote(seen);
    for (let i = 0; i < ADDRESS_WORDS; i++) {
      row[FLOW.originalSource + i] = row[FLOW.replyDestination + i] = set.words[lowEnd + i]!;
      row[FLOW.originalDestination + i] = row[FLOW.replySource + i] = set.words[highEnd + i]!;
    }
    const ports = set.ports(seen);
    const reversed = ((ports << 16) | (ports >>> 16)) >>> 0;
    row[FLOW.originalPorts] = low === NO_SOCKET ? reversed : ports;
    row[FLOW.replyPorts] = low === NO_SOCKET ? ports : reversed;
    const family = isIpv4(set.words, lowEnd) ? FAMILY.ipv4 : FAMILY.ipv6;
    const state = furthestState(socketState(this.stateOf(low)), socketState(this.stateOf(high)));
    row[FLOW.kind] = packKind(set.protocol(seen), family, state, 0);
    row[FLOW.netns] = set.netns(seen);
    row[FLOW.count] = 1;
    const doubles = this.#doubles;
    doubles[FLOW.firstSeenMs >> 1] = set.knownMs(seen);
    doubles[FLOW.beganAfterMs >> 1] = set.firstSeenMs(seen);
    doubles[FLOW.lastSeenMs >> 1] = set.lastSeenMs(seen);
    doubles[FLOW.originalPackets >> 1] = doubles[FLOW.replyPackets >> 1] = -1;
    doubles[FLOW.originalBytes >> 1] = firstKnown(this.#sent(low), this.#received(high));
    doubles[FLOW.replyBytes >> 1] = firstKnown(this.#received(low), this.#sent(high));
  }

  #sent(socket: Socket): number {
    return socket === NO_SOCKET ? -1 : this.set.bytesSent(socket);
  }

  #received(socket: Socket): number {
    return socket === NO_SOCKET ? -1 : this.set.bytesReceived(socket);
  }
}

function firstKnown(a: number, b: number): number {
  return a >= 0 ? a : b;
}
