/**
 * Decoded messages into stored rows: which fields a message replaces, and what a row begins with. `row` and `rowFloats` are what decodeFlow has
 * written; `page`, `floats` and `at` are a stored row. Flags only ever accumulate.
 */
import { CT_STATUS, CT_TCP_STATE, FLOW, FLOW_FLAG, kindProtocol, kindState, PROTOCOL } from "@conntrail/model";
import { DECODED_FIELD } from "./decode-nested.ts";
import { lifeFlags } from "./flow-state.ts";
import { MESSAGE_ROW } from "./flow-table-row.ts";
import type { NamespaceState } from "./namespace-state.ts";

const NOT_COUNTED = -1;

const OLDER_THAN_SEEN = FLOW_FLAG.fromDump | FLOW_FLAG.beganUnseen;

/**
 * Makes a decoded message a whole row: fields it did not have get their "unknown", `flags` and those of its state are set. It was received by `timeMs`, and
 * happened after the namespace's socket was last found empty; a flow whose beginning it is not may be of any age, and what a dump shows has no such moment.
 */
export function completeRow(
  row: Uint32Array,
  rowFloats: Float64Array,
  { emptyMs }: NamespaceState,
  timeMs: number,
  flags: number,
): void {
  const fields = row[MESSAGE_ROW.fields]!;
  if ((fields & DECODED_FIELD.status) === 0) row[FLOW.status] = 0;
  if ((fields & DECODED_FIELD.id) === 0) row[FLOW.id] = 0;
  if ((fields & DECODED_FIELD.mark) === 0) row[FLOW.mark] = 0;
  if ((fields & DECODED_FIELD.start) === 0) rowFloats[FLOW.startMs >> 1] = 0;
  if ((fields & DECODED_FIELD.originalCounters) === 0) {
    rowFloats[FLOW.originalPackets >> 1] = NOT_COUNTED;
    rowFloats[FLOW.originalBytes >> 1] = NOT_COUNTED;
  }
  if ((fields & DECODED_FIELD.replyCounters) === 0) {
    rowFloats[FLOW.replyPackets >> 1] = NOT_COUNTED;
    rowFloats[FLOW.replyBytes >> 1] = NOT_COUNTED;
  }
  row[FLOW.count] = 1;
  rowFloats[FLOW.firstSeenMs >> 1] = timeMs;
  rowFloats[FLOW.lastSeenMs >> 1] = timeMs;
  rowFloats[FLOW.beganAfterMs >> 1] = (flags & OLDER_THAN_SEEN) === 0 ? emptyMs : Number.NEGATIVE_INFINITY;
  rowFloats[FLOW.lastAfterMs >> 1] = (flags & FLOW_FLAG.fromDump) === 0 ? emptyMs : Number.NEGATIVE_INFINITY;
  const kind = row[FLOW.kind]!;
  const state = (fields & DECODED_FIELD.state) !== 0 ? kindState(kind) : stateUntold(kind, row[FLOW.status]!);
  const life = lifeFlags(kindProtocol(kind), state, row[FLOW.status]!);
  row[FLOW.kind] = (kind & 0xffff) | (state << 16) | ((flags | life) << 24);
}

/** The state of a row whose message had none: an offloaded flow has a flowtable in its place, into which only established ones are taken (nft_flow_offload, act_ct). */
function stateUntold(kind: number, status: number): number {
  const offloaded = (status & (CT_STATUS.offload | CT_STATUS.hwOffload)) !== 0 && kindProtocol(kind) === PROTOCOL.tcp;
  return offloaded ? CT_TCP_STATE.established : kindState(kind);
}

/** Puts the fields that a message had into a stored row and adds `flags` and those of its state. Returns true when that changed the row. */
export function mergeRow(
  page: Uint32Array,
  floats: Float64Array,
  at: number,
  row: Uint32Array,
  rowFloats: Float64Array,
  flags: number,
): boolean {
  const fields = row[MESSAGE_ROW.fields]!;
  const before = page[at + FLOW.kind]!;
  let difference = 0;
  if ((fields & DECODED_FIELD.status) !== 0) {
    difference = page[at + FLOW.status]! ^ row[FLOW.status]!;
    page[at + FLOW.status] = row[FLOW.status]!;
  }
  if ((fields & DECODED_FIELD.mark) !== 0) {
    difference |= page[at + FLOW.mark]! ^ row[FLOW.mark]!;
    page[at + FLOW.mark] = row[FLOW.mark]!;
  }
  const state =
    (fields & DECODED_FIELD.state) !== 0 ? kindState(row[FLOW.kind]!) : stateUntold(before, page[at + FLOW.status]!);
  const life = flags | lifeFlags(kindProtocol(before), state, page[at + FLOW.status]!);
  const after = (before & 0xff00ffff) | (state << 16) | (life << 24);
  page[at + FLOW.kind] = after;
  const rest = DECODED_FIELD.originalCounters | DECODED_FIELD.replyCounters | DECODED_FIELD.start;
  const counted = (fields & rest) !== 0 && mergeAccounts(floats, at >> 1, rowFloats, fields);
  return counted || ((before ^ after) | difference) !== 0;
}

/** Counters and timestamps, which only dumps and DESTROY carry. Returns true when a counter changed. */
export function mergeAccounts(floats: Float64Array, at: number, rowFloats: Float64Array, fields: number): boolean {
  let changed = false;
  if ((fields & DECODED_FIELD.originalCounters) !== 0) {
    changed = copyCounters(floats, at, rowFloats, FLOW.originalPackets >> 1);
  }
  if ((fields & DECODED_FIELD.replyCounters) !== 0) {
    changed = copyCounters(floats, at, rowFloats, FLOW.replyPackets >> 1) || changed;
  }
  if ((fields & DECODED_FIELD.start) !== 0) floats[at + (FLOW.startMs >> 1)] = rowFloats[FLOW.startMs >> 1]!;
  return changed;
}

/** The flags of a flow that begins by NEW. */
export function newFlags(row: Uint32Array): number {
  // The first packet of a flow has no answer: an entry that is assured from the beginning was put there (conntrack -I, conntrackd, CRIU).
  if ((statusOf(row) & CT_STATUS.assured) !== 0) return FLOW_FLAG.updated | FLOW_FLAG.beganUnseen;
  const state = kindState(row[FLOW.kind]!);
  const later = state > CT_TCP_STATE.synSent && state !== CT_TCP_STATE.synSent2;
  return isTcp(row) && later ? FLOW_FLAG.pickedUp : 0;
}

/** The flags of a flow that an UPDATE or DESTROY is the first to tell of. */
export function lateFlags(row: Uint32Array): number {
  return FLOW_FLAG.updated | FLOW_FLAG.beganUnseen | midStream(row);
}

/** The flags of a row first seen in a dump. */
export function dumpFlags(row: Uint32Array): number {
  return FLOW_FLAG.fromDump | FLOW_FLAG.updated | midStream(row);
}

/**
 * A TCP flow that conntrack met in mid-stream (nf_conntrack_tcp_loose), whenever it is seen: its windows are checked in neither direction, or it is
 * beyond the handshake without an answer, which the handshake needs.
 */
function midStream(row: Uint32Array): number {
  if (!isTcp(row)) return 0;
  const liberal = (row[MESSAGE_ROW.fields]! & DECODED_FIELD.liberal) !== 0;
  const state = kindState(row[FLOW.kind]!);
  const unanswered =
    (row[MESSAGE_ROW.fields]! & DECODED_FIELD.status) !== 0 && (statusOf(row) & CT_STATUS.seenReply) === 0;
  const beyond = state >= CT_TCP_STATE.synRecv && state <= CT_TCP_STATE.timeWait;
  return liberal || (unanswered && beyond) ? FLOW_FLAG.pickedUp : 0;
}

function isTcp(row: Uint32Array): boolean {
  return kindProtocol(row[FLOW.kind]!) === PROTOCOL.tcp;
}

function statusOf(row: Uint32Array): number {
  return (row[MESSAGE_ROW.fields]! & DECODED_FIELD.status) !== 0 ? row[FLOW.status]! : 0;
}

function copyCounters(floats: Float64Array, at: number, rowFloats: Float64Array, field: number): boolean {
  const changed = floats[at + field] !== rowFloats[field];
  floats[at + field] = rowFloats[field]!;
  floats[at + field + 1] = rowFloats[field + 1]!;
  return changed;
}
