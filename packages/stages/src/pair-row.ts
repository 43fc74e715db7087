/** A pair of sockets as a flow row from the lower to the higher end, without NAT. `FLOW.kind`'s state is a CONNECTION_STATE. */
import {
  ADDRESS_WORDS,
  FAMILY,
  FLOW,
  isIpv4,
  kindProtocol,
  kindState,
  packKind,
  SOCKET,
  SOCKET_WORDS,
} from "@conntrail/model";
import { furthestState, socketState } from "./flow-state.ts";
import type { SocketSet } from "./socket-set.ts";

/**
 * Writes the row; `doubles` is a view of the same buffer. `low` is the socket whose local end is the lower one, `high` the other; one of them may be -1. Bytes are
 * payload, as TCP_INFO counts it: what one side says it sent, else what the other says it received; packets are not counted.
 */
export function writePairRow(row: Uint32Array, doubles: Float64Array, set: SocketSet, low: number, high: number): void {
  const { rows } = set;
  const seen = (low < 0 ? high : low) * SOCKET_WORDS;
  const lowEnd = seen + (low < 0 ? SOCKET.remote : SOCKET.local);
  const highEnd = seen + (low < 0 ? SOCKET.local : SOCKET.remote);
  for (let i = 0; i < ADDRESS_WORDS; i++) {
    row[FLOW.originalSource + i] = row[FLOW.replyDestination + i] = rows[lowEnd + i]!;
    row[FLOW.originalDestination + i] = row[FLOW.replySource + i] = rows[highEnd + i]!;
  }
  const ports = rows[seen + SOCKET.ports]!;
  const reversed = ((ports << 16) | (ports >>> 16)) >>> 0;
  row[FLOW.originalPorts] = low < 0 ? reversed : ports;
  row[FLOW.replyPorts] = low < 0 ? ports : reversed;
  const family = isIpv4(rows, lowEnd) ? FAMILY.ipv4 : FAMILY.ipv6;
  const state = furthestState(stateOf(set, low), stateOf(set, high));
  row[FLOW.kind] = packKind(kindProtocol(rows[seen + SOCKET.kind]!), family, state, 0);
  row[FLOW.netns] = rows[seen + SOCKET.netns]!;
  row[FLOW.count] = 1;
  doubles[FLOW.firstSeenMs >> 1] = set.knownMs[seen / SOCKET_WORDS]!;
  doubles[FLOW.lastSeenMs >> 1] = set.lastSeenMs[seen / SOCKET_WORDS]!;
  doubles[FLOW.originalPackets >> 1] = doubles[FLOW.replyPackets >> 1] = -1;
  doubles[FLOW.originalBytes >> 1] = bytes(set, low, SOCKET.bytesSent, high, SOCKET.bytesReceived);
  doubles[FLOW.replyBytes >> 1] = bytes(set, low, SOCKET.bytesReceived, high, SOCKET.bytesSent);
}

function stateOf(set: SocketSet, row: number): number {
  return row < 0 ? 0 : socketState(kindState(set.rows[row * SOCKET_WORDS + SOCKET.kind]!));
}

function bytes(set: SocketSet, low: number, ofLow: number, high: number, ofHigh: number): number {
  const said = low < 0 ? -1 : set.doubles[(low * SOCKET_WORDS + ofLow) >> 1]!;
  if (said >= 0 || high < 0) return said;
  return set.doubles[(high * SOCKET_WORDS + ofHigh) >> 1]!;
}
