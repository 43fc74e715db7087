/**
 * A report as Scope's graph of endpoints: one edge from the real client to the real server of each connection, and the
 * addresses that either of them was seen by as copies without edges of their own, so that a translated connection counts
 * once (S9, S14, F33).
 */
import {
  CONNECTION_FLAG,
  CONNECTION_STATE,
  type ConnectionColumns,
  fromPort,
  indexOf,
  NAT_KIND,
  type NetworkTest,
  type Owner,
  PROTOCOL,
  SOURCE,
  toPort,
  visibleFromPort,
  visibleToPort,
} from "@conntrail/model";
import type { RawReport } from "./raw-report.ts";
import { compareTargets } from "./scope-aliases.ts";
import { ENDPOINT_BIT, EndpointTable, NO_ENDPOINT } from "./scope-endpoints.ts";

/** The graph. Edge `k` leads to `edgeTarget[k]`; `edgeNext[k]` is the next edge of the same endpoint, or NO_ENDPOINT. */
export interface ScopeGraph {
  readonly endpoints: EndpointTable;
  readonly edgeTarget: Int32Array;
  readonly edgeNext: Int32Array;
  /** What each virtual address led to, as virtual · 2^32 + real; each pair once. */
  readonly virtualPairs: ReadonlySet<number>;
}

/** What goes into a graph. */
export interface ScopeGraphOptions {
  /** Rows of the report, from the first. */
  readonly shown: number;
  /** Attempts that led to no connection too. */
  readonly attempts: boolean;
  readonly hostScoped: NetworkTest | undefined;
}

/** Builds the graph of a report. */
export function buildScopeGraph(raw: RawReport, { shown, attempts, hostScoped }: ScopeGraphOptions): ScopeGraph {
  const { columns } = raw;
  let translated = 0;
  for (let row = 0; row < shown; row++) if (columns.nat[row] !== NAT_NONE) translated++;
  const endpoints = new EndpointTable(2 * (shown + translated), hostScoped);
  const rowFrom = new Int32Array(shown).fill(NO_ENDPOINT);
  const rowTo = new Int32Array(shown);
  const edgeTarget = new Int32Array(shown);
  const edgeNext = new Int32Array(shown);
  const claim = ownerClaims(raw, endpoints);
  for (let row = 0, edges = 0; row < shown; row++) {
    if ((!attempts && isAttempt(columns, row)) || isOwn(columns, row)) continue;
    const to = endpoints.find(columns.replySource, row * 4, toPort(columns, row), columns.netns[row]!);
    const service = isAggregated(columns, row) ? to : NO_ENDPOINT;
    const from = endpoints.find(columns.originalSource, row * 4, fromPort(columns, row), columns.netns[row]!, service);
    const flags = columns.flags[row]!;
    const seen = ENDPOINT_BIT.real | sourceBits(columns.sources[row]!);
    endpoints.bits[from]! |= seen | (flags & CONNECTION_FLAG.fromLocal ? ENDPOINT_BIT.local : 0);
    endpoints.bits[to]! |= seen | (flags & CONNECTION_FLAG.toLocal ? ENDPOINT_BIT.local : 0);
    if (columns.fromOwner[row] !== 0) claim(from, columns.fromOwner[row]!, row);
    if (columns.toOwner[row] !== 0) claim(to, columns.toOwner[row]!, row);
    if (columns.toNames[row] !== 0) endpoints.names[to] = columns.toNames[row]!;
    endpoints.connections[from]! += columns.count[row]!;
    const first = endpoints.firstEdge[from]!;
    if (first === NO_ENDPOINT || edgeTarget[first] !== to) {
      edgeTarget[edges] = to;
      edgeNext[edges] = first;
      endpoints.firstEdge[from] = edges++;
    }
    rowFrom[row] = from;
    rowTo[row] = to;
  }
  const virtualPairs = translated === 0 ? new Set<number>() : addCopies(columns, endpoints, rowFrom, rowTo);
  return { endpoints, edgeTarget, edgeNext, virtualPairs };
}

const NAT_NONE = indexOf(NAT_KIND, "none");
const STATE = {
  opening: indexOf(CONNECTION_STATE, "opening"),
  unreplied: indexOf(CONNECTION_STATE, "unreplied"),
  closed: indexOf(CONNECTION_STATE, "closed"),
  failed: indexOf(CONNECTION_STATE, "failed"),
} as const;

/** A TCP, SCTP or DCCP handshake that did not complete, or not yet. One-way UDP is no attempt: it may be all there is. */
function isAttempt({ state, protocol }: ConnectionColumns, row: number): boolean {
  const value = state[row]!;
  if (value === STATE.failed) return true;
  if (value !== STATE.opening && value !== STATE.unreplied) return false;
  return protocol[row] === PROTOCOL.tcp || protocol[row] === PROTOCOL.sctp || protocol[row] === PROTOCOL.dccp;
}

/** Our own queries for names are no part of what the host is for (F42). */
function isOwn({ flags }: ConnectionColumns, row: number): boolean {
  return (flags[row]! & CONNECTION_FLAG.selfTraffic) !== 0;
}

function isAggregated({ flags }: ConnectionColumns, row: number): boolean {
  return (flags[row]! & CONNECTION_FLAG.aggregated) !== 0;
}

function sourceBits(sources: number): number {
  return (
    (sources & SOURCE.conntrack ? ENDPOINT_BIT.conntracked : 0) |
    (sources & SOURCE.sockets ? ENDPOINT_BIT.procspied : 0)
  );
}

/**
 * Gives endpoints their process. Where rows disagree (a forking server, a port used twice), an open connection's word
 * counts more than a closed one's, of two closed ones the later, and else the lower pid's: the answer does not depend on
 * the order of rows.
 */
function ownerClaims(
  { columns, owners }: RawReport,
  endpoints: EndpointTable,
): (endpoint: number, owner: number, row: number) => void {
  const { owner: held, ownerRow } = endpoints;
  const isEnded = (row: number): boolean => columns.state[row] === STATE.closed || columns.state[row] === STATE.failed;
  const pid = (owner: number): number => (owners.at(owner - 1) as Owner).pid;
  const wins = (owner: number, row: number, overOwner: number, overRow: number): boolean => {
    const ended = isEnded(row);
    if (ended !== isEnded(overRow)) return !ended;
    const later = ended ? columns.lastSeenMs[row]! - columns.lastSeenMs[overRow]! : 0;
    return later !== 0 ? later > 0 : pid(owner) < pid(overOwner);
  };
  return (endpoint, owner, row) => {
    const have = held[endpoint]!;
    if (have !== 0 && !wins(owner, row, have, ownerRow[endpoint]!)) return;
    held[endpoint] = owner;
    ownerRow[endpoint] = row;
  };
}

function addCopies(
  columns: ConnectionColumns,
  endpoints: EndpointTable,
  rowFrom: Int32Array,
  rowTo: Int32Array,
): Set<number> {
  const virtualPairs = new Set<number>();
  for (let row = 0; row < rowFrom.length; row++) {
    const from = rowFrom[row]!;
    if (from === NO_ENDPOINT || columns.nat[row] === NAT_NONE) continue;
    const to = rowTo[row]!;
    const netns = columns.netns[row]!;
    const seenTo = endpoints.find(columns.originalDestination, row * 4, visibleToPort(columns, row), netns);
    if (addCopy(endpoints, seenTo, to)) virtualPairs.add(seenTo * 2 ** 32 + to);
    const service = isAggregated(columns, row) ? to : NO_ENDPOINT;
    const seenFrom = endpoints.find(columns.replyDestination, row * 4, visibleFromPort(columns, row), netns, service);
    addCopy(endpoints, seenFrom, from);
  }
  return virtualPairs;
}

/** Makes `copy` another name of `real`, with all its metadata; with several real ones, of the lowest, and with the metadata that all of them share. */
function addCopy(endpoints: EndpointTable, copy: number, real: number): boolean {
  const { bits, owner, names, copyOf } = endpoints;
  // An end of a connection is nobody's copy. When nothing was rewritten on this side, `copy` is `real`.
  if (bits[copy]! & ENDPOINT_BIT.real) return false;
  const have = copyOf[copy]!;
  if (have === NO_ENDPOINT) {
    bits[copy] = bits[real]! & ~ENDPOINT_BIT.real;
    owner[copy] = owner[real]!;
    names[copy] = names[real]!;
    copyOf[copy] = real;
  } else if (have !== real) {
    bits[copy]! &= bits[real]!;
    if (owner[copy] !== owner[real]) owner[copy] = 0;
    if (names[copy] !== names[real]) names[copy] = 0;
    if (compareTargets(target(endpoints, real), target(endpoints, have)) < 0) copyOf[copy] = real;
  }
  return true;
}

/** What the order of endpoints looks at. */
export function target(
  { addresses, ports, scope }: EndpointTable,
  endpoint: number,
): { words: Uint32Array; port: number; scope: number } {
  return { words: addresses.subarray(endpoint * 4, endpoint * 4 + 4), port: ports[endpoint]!, scope: scope[endpoint]! };
}
