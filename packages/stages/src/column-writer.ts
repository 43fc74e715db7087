/** Rows into columns. */
import {
  ADDRESS_WORDS,
  CONNECTION_FLAG,
  type ConnectionColumns,
  FLOW,
  kindFamily,
  kindProtocol,
  type Owner,
} from "@conntrail/model";
import { confidenceOf, evidenceOf, REPLY_END, type RowEnd, reasonOf, SOURCE_END } from "./decision.ts";
import { type OwnerRegistry, placeOwner } from "./owner-registry.ts";
import { MARK, ROW } from "./row.ts";
import { baseOf, doublesOf, pageOf, type RowStore } from "./row-store.ts";

/** Columns being filled, and the owners they point into. */
export interface ColumnWriter {
  readonly columns: ConnectionColumns;
  readonly owners: Owner[];
  readonly registry: OwnerRegistry;
  /** Number of the snapshot, from 1. */
  readonly snapshot: number;
}

/** What a row does not say by itself. */
export interface RowFacts {
  /** SOURCE bits. */
  sources: number;
  /** CONNECTION_STATE as its index. */
  state: number;
  /** CONNECTION_FLAG bits beside those of place. */
  flags: number;
  netns: number;
  status: number;
  firstSeenMs: number;
  lastSeenMs: number;
  /** The ROW.decision that the direction is told from. */
  decision: number;
  /** The slot whose counters are told. */
  counter: number;
}

/** Appends a connection: the opener's side from row `head`, the server's from row `tail` (the same, unless namespaces lie between). */
export function writeConnection(
  writer: ColumnWriter,
  store: RowStore,
  head: number,
  tail: number,
  facts: RowFacts,
): void {
  const { columns } = writer;
  const i = columns.length++;
  const page = pageOf(store, head);
  const base = baseOf(head);
  const swapped = (page[base + ROW.marks]! & MARK.swapped) !== 0;
  writeOriginal(columns, i, page, base, swapped);
  const decision = page[base + ROW.decision]!;
  const fromEnd = swapped ? REPLY_END : SOURCE_END;
  columns.fromOwner[i] = placeOwner(writer.registry, page[base + fromEnd.owner]!, writer.snapshot, writer.owners);
  columns.fromReason[i] = reasonOf(decision, fromEnd);
  columns.evidence[i] = evidenceOf(facts.decision);
  columns.confidence[i] = confidenceOf(facts.decision);

  const tailPage = pageOf(store, tail);
  const tailBase = baseOf(tail);
  const tailSwapped = (tailPage[tailBase + ROW.marks]! & MARK.swapped) !== 0;
  writeReply(columns, i, tailPage, tailBase, tailSwapped);
  const toEnd = tailSwapped ? SOURCE_END : REPLY_END;
  columns.toOwner[i] = placeOwner(writer.registry, tailPage[tailBase + toEnd.owner]!, writer.snapshot, writer.owners);
  columns.toReason[i] = reasonOf(tailPage[tailBase + ROW.decision]!, toEnd);

  const kind = page[base + FLOW.kind]!;
  columns.protocol[i] = kindProtocol(kind);
  columns.family[i] = kindFamily(kind);
  columns.zone[i] = page[base + FLOW.zone]!;
  columns.count[i] = page[base + FLOW.count]!;
  columns.mark[i] = page[base + FLOW.mark]!;
  columns.netns[i] = facts.netns;
  columns.sources[i] = facts.sources;
  columns.state[i] = facts.state;
  columns.status[i] = facts.status;
  const tailMarks = tailPage[tailBase + ROW.marks]!;
  // Behind other namespaces, only the one that translates can redirect to itself.
  const counts = head === tail || (tailMarks & MARK.nat) !== 0;
  const own = counts && (tailMarks & toEnd.ownMark) !== 0 ? CONNECTION_FLAG.toOwnNamespace : 0;
  columns.flags[i] = facts.flags | own | placeFlags(page[base + ROW.marks]!, fromEnd, tailMarks, toEnd);
  columns.firstSeenMs[i] = facts.firstSeenMs;
  columns.lastSeenMs[i] = facts.lastSeenMs;
  writeCounters(columns, i, store, facts.counter);
}

/** Which ends are on this host; transit when neither is, where that can be known. */
function placeFlags(headMarks: number, fromEnd: RowEnd, tailMarks: number, toEnd: RowEnd): number {
  const fromLocal = (headMarks & fromEnd.localMark) !== 0;
  const toLocal = (tailMarks & toEnd.localMark) !== 0;
  let flags = fromLocal ? CONNECTION_FLAG.fromLocal : 0;
  if (toLocal) flags |= CONNECTION_FLAG.toLocal;
  if (!fromLocal && !toLocal && (headMarks & MARK.mapped) !== 0) flags |= CONNECTION_FLAG.transit;
  return flags;
}

function writeOriginal(columns: ConnectionColumns, i: number, page: Uint32Array, base: number, swapped: boolean): void {
  const source = base + (swapped ? FLOW.replySource : FLOW.originalSource);
  const destination = base + (swapped ? FLOW.replyDestination : FLOW.originalDestination);
  const at = i * ADDRESS_WORDS;
  for (let word = 0; word < ADDRESS_WORDS; word++) {
    columns.originalSource[at + word] = page[source + word]!;
    columns.originalDestination[at + word] = page[destination + word]!;
  }
  columns.originalPorts[i] = page[base + (swapped ? FLOW.replyPorts : FLOW.originalPorts)]!;
}

function writeReply(columns: ConnectionColumns, i: number, page: Uint32Array, base: number, swapped: boolean): void {
  const source = base + (swapped ? FLOW.originalSource : FLOW.replySource);
  const destination = base + (swapped ? FLOW.originalDestination : FLOW.replyDestination);
  const at = i * ADDRESS_WORDS;
  for (let word = 0; word < ADDRESS_WORDS; word++) {
    columns.replySource[at + word] = page[source + word]!;
    columns.replyDestination[at + word] = page[destination + word]!;
  }
  columns.replyPorts[i] = page[base + (swapped ? FLOW.originalPorts : FLOW.replyPorts)]!;
}

function writeCounters(columns: ConnectionColumns, i: number, store: RowStore, slot: number): void {
  const doubles = doublesOf(store, slot);
  const half = baseOf(slot) >> 1;
  const swapped = (pageOf(store, slot)[baseOf(slot) + ROW.marks]! & MARK.swapped) !== 0;
  const forwardPackets = doubles[half + (FLOW.originalPackets >> 1)]!;
  const forwardBytes = doubles[half + (FLOW.originalBytes >> 1)]!;
  const backwardPackets = doubles[half + (FLOW.replyPackets >> 1)]!;
  const backwardBytes = doubles[half + (FLOW.replyBytes >> 1)]!;
  columns.originalPackets[i] = swapped ? backwardPackets : forwardPackets;
  columns.originalBytes[i] = swapped ? backwardBytes : forwardBytes;
  columns.replyPackets[i] = swapped ? forwardPackets : backwardPackets;
  columns.replyBytes[i] = swapped ? forwardBytes : backwardBytes;
}
