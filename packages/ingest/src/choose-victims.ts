/**
 * Which flows a full table gives up: those whose closing was told and those already dead, then those that never had a reply, then any; the ones seen
 * longest ago first within each. Room is made for many at once, so that a pass over the table is paid for by thousands of
 * insertions.
 */
import { FLOW, FLOW_FLAG } from "@conntrail/model";
import type { FlowTable } from "./flow-table.ts";
import { TABLE_ROW } from "./flow-table-row.ts";
import { MARK } from "./row-marks.ts";

/** One in so many rows is given up at a time. */
const SHARE = 64;

/** Steps of age that are told apart. */
const AGES = 256;

/** In the order in which they are given up. */
const RANK = { finished: 0, unreplied: 1, other: 2 } as const;
const RANKS = 3;

/** Slots to evict: at least one, about a 64th of the table, of an approximate order within 1/256 of the range of ages. */
export function chooseVictims(table: FlowTable): number[] {
  const wanted = Math.max(1, Math.floor(table.capacity / SHARE));
  const { oldest, newest } = ageRange(table);
  const scale = newest > oldest ? (AGES - 1) / (newest - oldest) : 0;
  const order = (slot: number): number =>
    rank(table, slot) * AGES + Math.floor((lastSeen(table, slot) - oldest) * scale);
  const counts = new Uint32Array(RANKS * AGES);
  eachLive(table, (slot) => {
    counts[order(slot)]!++;
  });
  let limit = 0;
  for (let sum = 0; limit < counts.length; limit++) {
    sum += counts[limit]!;
    if (sum >= wanted) break;
  }
  const victims: number[] = [];
  const atLimit: number[] = [];
  eachLive(table, (slot) => {
    const place = order(slot);
    if (place < limit) victims.push(slot);
    else if (place === limit && atLimit.length < wanted) atLimit.push(slot);
  });
  return victims.concat(atLimit.slice(0, wanted - victims.length));
}

/** Calls `visit` with every slot in use. `visit` may remove the row of that slot. */
export function eachLive(table: FlowTable, visit: (slot: number) => void): void {
  for (let slot = 0; slot < table.slots; slot++) if (table.isLive(slot)) visit(slot);
}

function ageRange(table: FlowTable): { oldest: number; newest: number } {
  let oldest = Number.POSITIVE_INFINITY;
  let newest = Number.NEGATIVE_INFINITY;
  eachLive(table, (slot) => {
    const seen = lastSeen(table, slot);
    if (seen < oldest) oldest = seen;
    if (seen > newest) newest = seen;
  });
  return { oldest, newest };
}

function lastSeen(table: FlowTable, slot: number): number {
  return table.floats(slot)[(table.offset(slot) + FLOW.lastSeenMs) >> 1]!;
}

function rank(table: FlowTable, slot: number): number {
  const page = table.page(slot);
  const at = table.offset(slot);
  if ((page[at + TABLE_ROW.marks]! & (MARK.told | MARK.dead)) !== 0) return RANK.finished;
  const flags = page[at + FLOW.kind]! >>> 24;
  if ((flags & FLOW_FLAG.closed) !== 0) return RANK.finished;
  return (flags & FLOW_FLAG.replied) === 0 ? RANK.unreplied : RANK.other;
}
