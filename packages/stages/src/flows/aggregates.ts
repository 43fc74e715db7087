/**
 * Closed connections that do not fit into a report as rows, summed up by who talked to which service: namespace, protocol,
 * client address, destination and real server (F8). Such a row has client port 0 and a count.
 */
import { FLOW, FLOW_FLAG, FLOW_WORDS, forgetClientPort } from "@conntrail/model";
import { REASON } from "../codes.ts";
import { NO_ROW, type Row } from "../rows/row.ts";
import { REPLY_END, type RowEnd, SOURCE_END } from "../rows/row-end.ts";
import type { RowNews } from "../rows/row-news.ts";
import { originalHash } from "../rows/tuple-hash.ts";
import { flowState } from "./connection-state.ts";
import { FlowRows } from "./flow-rows.ts";

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

/** What the merge knew of a row that is added: the owner of each end. */
export interface Attribution {
  readonly opener: EndOwner;
  readonly server: EndOwner;
  readonly evidence: number;
  readonly confidence: number;
  /** The opener is at the reply end: the row is turned before it is added. */
  readonly swapped: boolean;
}

/** An id of the owner registry, and the reason with it (an index of OWNER_REASON). */
export interface EndOwner {
  readonly owner: number;
  readonly reason: number;
}

const NOBODY: EndOwner = { owner: 0, reason: REASON["no-socket"] };

/** Nothing was known. */
export const NOT_ATTRIBUTED: Attribution = {
  opener: NOBODY,
  server: NOBODY,
  evidence: 0,
  confidence: 0,
  swapped: false,
};

/** A set of aggregated rows. */
export class Aggregates {
  readonly rows: FlowRows;
  readonly #maxRows: number;
  readonly #added = new Uint32Array(FLOW_WORDS);
  readonly #addedDoubles = new Float64Array(this.#added.buffer);

  constructor(maxRows: number, news?: RowNews) {
    this.rows = new FlowRows(KEY, maxRows, news);
    this.#maxRows = maxRows;
  }

  /**
   * Adds the ended connections that the flow row at `offset` stands for. False when the set is full: nothing was added. An owner
   * stays only while all rows agree on it.
   */
  add(words: Uint32Array, offset: number, attribution: Attribution): boolean {
    const { rows } = this;
    const added = this.#added;
    for (let i = 0; i < FLOW_WORDS; i++) added[i] = words[offset + i]!;
    if (attribution.swapped) turn(added);
    normalize(added);
    const hash = originalHash(added, 0);
    const row = rows.find(hash, added, 0);
    if (row !== NO_ROW) {
      rows.sumUp(row, added, this.#addedDoubles);
      forgetOther(rows, row, SOURCE_END, attribution.opener);
      forgetOther(rows, row, REPLY_END, attribution.server);
      return true;
    }
    if (rows.size >= this.#maxRows) return false;
    const created = rows.insert(hash, added, 0);
    const { opener, server, evidence, confidence } = attribution;
    rows.setDirection(created, evidence, confidence, false);
    rows.setOwner(created, SOURCE_END, opener.owner, opener.reason);
    rows.setOwner(created, REPLY_END, server.owner, server.reason);
    return true;
  }

  /** The CONNECTION_STATE of a row, as its index. */
  state(row: Row): number {
    return this.rows.id(row);
  }
}

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
  forgetClientPort(row, 0);
  row[FLOW.mark] = 0;
}

function forgetOther(rows: FlowRows, row: Row, end: RowEnd, { owner }: EndOwner): void {
  if (rows.owner(row, end) !== owner) rows.setOwner(row, end, 0, REASON["no-socket"]);
}

function words(address: number): number[] {
  return [address, address + 1, address + 2, address + 3];
}
