/**
 * Closed connections that do not fit into a report as rows, summed up by who talked to which service: namespace, protocol,
 * client address, destination and real server (F8). Such a row has client port 0 and a count.
 */
import { FLOW, FLOW_FLAG, FLOW_WORDS, kindProtocol } from "@conntrail/model";
import { REASON } from "./codes.ts";
import { flowState } from "./flow-state.ts";
import { isIcmp, originalHash, ROW, UNDECIDED } from "./row.ts";
import { baseOf, copyFlow, createRowStore, doublesOf, findRow, insertRow, pageOf, type RowStore } from "./row-store.ts";

/** An aggregated row has no id; the word holds its CONNECTION_STATE, which is part of the key. */
const STATE_WORD = FLOW.id;

const KEY = [
  FLOW.netns,
  STATE_WORD,
  FLOW.originalPorts,
  FLOW.replyPorts,
  ...words(FLOW.originalSource),
  ...words(FLOW.originalDestination),
  ...words(FLOW.replySource),
];

/** An empty set of aggregated rows. */
export function createAggregates(): RowStore {
  return createRowStore(KEY);
}

/** The CONNECTION_STATE of an aggregated row, as its index. */
export function aggregateState(page: Uint32Array, base: number): number {
  return page[base + STATE_WORD]!;
}

/** What the merge knew of the row that is added: owner ids and `ROW.decision`. */
export interface Attribution {
  readonly sourceOwner: number;
  readonly replyOwner: number;
  readonly decision: number;
  /** The opener is at the reply end: the row is turned before it is added. */
  readonly swapped: boolean;
}

/** Nothing was known. */
export const NOT_ATTRIBUTED: Attribution = { sourceOwner: 0, replyOwner: 0, decision: UNDECIDED, swapped: false };

/**
 * Adds the ended connections that the flow row at `offset` stands for. False when the set is full: nothing was added. An owner
 * stays only while all rows agree on it.
 */
export function addAggregate(
  aggregates: RowStore,
  rows: Uint32Array,
  offset: number,
  attribution: Attribution,
  maxRows: number,
): boolean {
  copyFlow(scratch, 0, rows, offset);
  if (attribution.swapped) turn(scratch);
  normalize(scratch);
  const hash = originalHash(scratch, 0);
  const slot = findRow(aggregates, hash, scratch, 0);
  if (slot >= 0) sumUp(aggregates, slot, attribution);
  else if (aggregates.size < maxRows) {
    const created = insertRow(aggregates, hash, scratch, 0);
    const page = pageOf(aggregates, created);
    const base = baseOf(created);
    page[base + ROW.sourceOwner] = attribution.sourceOwner;
    page[base + ROW.replyOwner] = attribution.replyOwner;
    page[base + ROW.decision] = attribution.decision;
  } else return false;
  return true;
}

const scratch = new Uint32Array(FLOW_WORDS);
const scratchDoubles = new Float64Array(scratch.buffer);

/** Exchanges the original and the reply direction. */
function turn(row: Uint32Array): void {
  const original = row.slice(FLOW.originalSource, FLOW.replySource);
  row.copyWithin(FLOW.originalSource, FLOW.replySource, FLOW.originalPorts);
  row.set(original, FLOW.replySource);
  const ports = row[FLOW.originalPorts]!;
  row[FLOW.originalPorts] = row[FLOW.replyPorts]!;
  row[FLOW.replyPorts] = ports;
  const counters = row.slice(FLOW.originalPackets, FLOW.replyPackets);
  row.copyWithin(FLOW.originalPackets, FLOW.replyPackets, FLOW_WORDS);
  row.set(counters, FLOW.replyPackets);
}

function normalize(row: Uint32Array): void {
  row[STATE_WORD] = flowState(row[FLOW.kind]!, row[FLOW.status]!, true);
  row[FLOW.kind]! |= FLOW_FLAG.aggregated << 24;
  row[FLOW.originalPorts]! &= 0xffff;
  row[FLOW.replyPorts]! &= isIcmp(kindProtocol(row[FLOW.kind]!)) ? 0xffff : 0xffff0000;
  row[FLOW.mark] = 0;
}

function sumUp(aggregates: RowStore, slot: number, attribution: Attribution): void {
  const page = pageOf(aggregates, slot);
  const doubles = doublesOf(aggregates, slot);
  const base = baseOf(slot);
  const half = base >> 1;
  page[base + FLOW.count]! += scratch[FLOW.count]!;
  if (page[base + ROW.sourceOwner] !== attribution.sourceOwner) forgetOwner(page, base, ROW.sourceOwner, 0);
  if (page[base + ROW.replyOwner] !== attribution.replyOwner) forgetOwner(page, base, ROW.replyOwner, 8);
  const first = FLOW.firstSeenMs >> 1;
  const last = FLOW.lastSeenMs >> 1;
  doubles[half + first] = Math.min(doubles[half + first]!, scratchDoubles[first]!);
  doubles[half + last] = Math.max(doubles[half + last]!, scratchDoubles[last]!);
  for (const counter of [FLOW.originalPackets, FLOW.originalBytes, FLOW.replyPackets, FLOW.replyBytes]) {
    const at = half + (counter >> 1);
    const added = scratchDoubles[counter >> 1]!;
    doubles[at] = doubles[at]! < 0 || added < 0 ? -1 : doubles[at]! + added;
  }
}

function forgetOwner(page: Uint32Array, base: number, owner: number, shift: number): void {
  page[base + owner] = 0;
  page[base + ROW.decision] = (page[base + ROW.decision]! & ~(0xff << shift)) | (REASON["no-socket"] << shift);
}

function words(address: number): number[] {
  return [address, address + 1, address + 2, address + 3];
}
