/** What only sockets showed is a flow's as soon as conntrack tells of it. */
import { sameAddress } from "@conntrail/model";
import type { FlowRows } from "../flows/flow-rows.ts";
import type { Row } from "../rows/row.ts";
import { type RowEnd, SOURCE_END } from "../rows/row-end.ts";
import type { PairRows } from "./pair-rows.ts";
import type { SocketConnections } from "./socket-connections.ts";

/** An end of a flow, and the flow's life as its sockets must have seen it. */
export interface HandOver {
  readonly rows: FlowRows;
  readonly row: Row;
  readonly end: RowEnd;
  /** Another namespace that has the end's socket, 0: none is known. */
  readonly netns: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** Forgets the connections whose sockets are at the end of a flow. Returns since when one was known, or 0. */
export function handOver(connections: SocketConnections, taker: HandOver): number {
  const { rows: pairs } = connections;
  const hash = taker.rows.hashAt(taker.row, taker.end);
  let sinceMs = 0;
  for (let at = pairs.firstAt(hash); at >= 0; ) {
    const pair = pairs.rowAt(at);
    if (!isAbout(pairs, pair, taker)) {
      at = pairs.nextAt(hash, at);
      continue;
    }
    const seenMs = pairs.firstSeenMs(pair);
    sinceMs = sinceMs === 0 ? seenMs : Math.min(sinceMs, seenMs);
    taker.rows.identify(taker.row, pairs.identity(pair));
    pairs.release(pair);
    // Entries have moved: begin again.
    at = pairs.firstAt(hash);
  }
  return sinceMs;
}

/** A pair is the flow's when it has the same ends, is known from one of the namespaces, and lived at the same time. */
function isAbout(pairs: PairRows, pair: Row, taker: HandOver): boolean {
  if (pairs.isOverTold(pair)) return false;
  if (!isKnownFrom(pairs, pair, taker.rows.netns(taker.row)) && !isKnownFrom(pairs, pair, taker.netns)) return false;
  if (pairs.lastSeenMs(pair) < taker.startMs || pairs.beganAfterMs(pair) > taker.endMs) return false;
  return pairs.protocol(pair) === taker.rows.protocol(taker.row) && hasSameEnds(pairs, pair, taker);
}

function isKnownFrom(pairs: PairRows, pair: Row, netns: number): boolean {
  return netns !== 0 && (pairs.lowNetns(pair) === netns || pairs.highNetns(pair) === netns);
}

function hasSameEnds(pairs: PairRows, pair: Row, { rows, row, end }: HandOver): boolean {
  const address = rows.address(row, end);
  const peer = rows.peer(row, end);
  const ports = rows.ports(row, end);
  const low = pairs.address(pair, SOURCE_END);
  const high = pairs.peer(pair, SOURCE_END);
  const pairPorts = pairs.ports(pair, SOURCE_END);
  const same = (a: number, b: number): boolean => sameAddress(pairs.words, a, rows.words, b);
  if (pairPorts === ports && same(low, address) && same(high, peer)) return true;
  return pairPorts === ((ports << 16) | (ports >>> 16)) >>> 0 && same(low, peer) && same(high, address);
}
