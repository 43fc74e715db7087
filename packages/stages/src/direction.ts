/**
 * Who opened a connection, and how sure that is (S13): conntrack's original tuple; a listener at one end; a port that only a
 * client's kernel hands out; the lower port, as a guess; else nothing, and a stable order. Conntrack's word counts less for flows
 * whose beginning was not seen, and nothing when it picked the stream up in the middle (nf_conntrack_tcp_loose).
 */
import { ADDRESS_WORDS, FLOW, FLOW_FLAG, kindFlags, SOCKET_STATE } from "@conntrail/model";
import { EVIDENCE_CODE as BY, CONFIDENCE_CODE as SURE } from "./codes.ts";
import { confidenceOf, setDirection, verdict } from "./decision.ts";
import { listenerAt, type Surroundings } from "./listener.ts";
import { isEphemeral, type NamespaceIndex } from "./namespaces.ts";
import { protocolAt, ROW } from "./row.ts";
import { isDatagram, SOCKET_MATCH } from "./socket-set.ts";

/** Decides for a flow. `endMs`: when it ended, or Infinity. */
export function directFlow(around: Surroundings, page: Uint32Array, base: number, endMs: number): void {
  if (confidenceOf(page[base + ROW.decision]!) === SURE.certain) return;
  setDirection(page, base, judgeFlow(around, page, base, endMs));
}

function judgeFlow(around: Surroundings, page: Uint32Array, base: number, endMs: number): number {
  const flags = kindFlags(page[base + FLOW.kind]!);
  const pickedUp = (flags & FLOW_FLAG.pickedUp) !== 0;
  const beganUnseen = (flags & (FLOW_FLAG.fromDump | FLOW_FLAG.beganUnseen)) !== 0;
  if (!pickedUp && !beganUnseen) return verdict(BY.conntrack, SURE.certain, false);
  if ((flags & FLOW_FLAG.aggregated) !== 0) return verdict(BY.conntrack, SURE.likely, false);
  const source = listensAt(around, page, base, FLOW.originalSource, FLOW.originalPorts, 0, endMs);
  const reply = listensAt(around, page, base, FLOW.replySource, FLOW.replyPorts, 0, endMs);
  if (source !== reply) return verdict(source || pickedUp ? BY.listener : BY.conntrack, SURE.certain, source);
  if (!pickedUp) return verdict(BY.conntrack, SURE.likely, false);
  const netns = page[base + FLOW.netns]!;
  return judgePorts(around.namespaces, page, base, netns, netns);
}

/** What the sockets at a pair of ends say: the state of each (0: not seen), and its namespace (0: not seen). */
export interface PairFacts {
  readonly lowState: number;
  readonly highState: number;
  readonly lowNetns: number;
  readonly highNetns: number;
}

/** Decides for a connection that only sockets showed, anew with each table until it is certain. */
export function directPair(around: Surroundings, page: Uint32Array, base: number, facts: PairFacts): void {
  if (confidenceOf(page[base + ROW.decision]!) === SURE.certain) return;
  setDirection(page, base, judgePair(around, page, base, facts));
}

function judgePair(around: Surroundings, page: Uint32Array, base: number, facts: PairFacts): number {
  const { lowNetns, highNetns } = facts;
  const always = Number.POSITIVE_INFINITY;
  const low = listensAt(around, page, base, FLOW.originalSource, FLOW.originalPorts, lowNetns, always);
  const high = listensAt(around, page, base, FLOW.replySource, FLOW.replyPorts, highNetns, always);
  if (low !== high) return verdict(BY.listener, SURE.certain, low);
  const lowOpens = facts.lowState === SOCKET_STATE.synSent;
  const highOpens = facts.highState === SOCKET_STATE.synSent;
  if (lowOpens !== highOpens) return verdict(BY["ephemeral-port"], SURE.likely, highOpens);
  return judgePorts(around.namespaces, page, base, lowNetns || highNetns, highNetns || lowNetns);
}

/** By the ports of both real ends; `sourceNetns` and `replyNetns` are the namespaces whose ephemeral ranges count. */
function judgePorts(
  namespaces: NamespaceIndex,
  page: Uint32Array,
  base: number,
  sourceNetns: number,
  replyNetns: number,
): number {
  const source = page[base + FLOW.originalPorts]! >>> 16;
  const reply = page[base + FLOW.replyPorts]! >>> 16;
  const sourceEphemeral = isEphemeral(namespaces, sourceNetns, source);
  const replyEphemeral = isEphemeral(namespaces, replyNetns, reply);
  if (sourceEphemeral !== replyEphemeral) return verdict(BY["ephemeral-port"], SURE.likely, replyEphemeral);
  if (!sourceEphemeral && source !== reply) return verdict(BY["port-order"], SURE.guess, source < reply);
  return verdict(BY.none, SURE.none, compareRealEnds(page, base, source, reply) > 0);
}

/** The order of `compareEnds` of the model. */
function compareRealEnds(page: Uint32Array, base: number, sourcePort: number, replyPort: number): number {
  for (let i = 0; i < ADDRESS_WORDS; i++) {
    const difference = page[base + FLOW.originalSource + i]! - page[base + FLOW.replySource + i]!;
    if (difference !== 0) return difference;
  }
  return sourcePort - replyPort;
}

/** True when something listens at the end whose address and port are at these words. A bound UDP socket is no sign: clients have such sockets too. */
function listensAt(
  around: Surroundings,
  page: Uint32Array,
  base: number,
  address: number,
  ports: number,
  seenIn: number,
  endMs: number,
): boolean {
  if (isDatagram(protocolAt(page, base))) return false;
  const port = page[base + ports]! >>> 16;
  return listenerAt(around, page, base, base + address, port, seenIn, endMs) !== SOCKET_MATCH.none;
}
