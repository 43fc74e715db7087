/**
 * Decoded messages into stored rows: which fields a message replaces, and what a row begins with. `row` and `rowFloats` are what decodeFlow has
 * written; `page`, `floats` and `at` are a stored row. Flags only ever accumulate.
 */
import { CT_TCP_STATE, FLOW, FLOW_FLAG, kindProtocol, kindState, PROTOCOL } from "@conntrail/model";
import { DECODED_FIELD } from "./decode-nested.ts";
import { lifeFlags } from "./flow-state.ts";

const NOT_COUNTED = -1;

/** Makes a decoded message a whole row: fields it did not have get their "unknown", `flags` and those of its state are set. */
export function completeRow(row: Uint32Array, rowFloats: Float64Array, timeMs: number, flags: number): void {
  const fields = row[FLOW.reserved]!;
  if ((fields & DECODED_FIELD.status) === 0) row[FLOW.status] = 0;
  if ((fields & DECODED_FIELD.id) === 0) row[FLOW.id] = 0;
  if ((fields & DECODED_FIELD.mark) === 0) row[FLOW.mark] = 0;
  if ((fields & DECODED_FIELD.timeout) === 0) row[FLOW.timeout] = 0;
  if ((fields & DECODED_FIELD.helper) === 0) row[FLOW.helper] = 0;
  if ((fields & DECODED_FIELD.start) === 0) rowFloats[FLOW.startMs >> 1] = 0;
  if ((fields & DECODED_FIELD.stop) === 0) rowFloats[FLOW.stopMs >> 1] = 0;
  if ((fields & DECODED_FIELD.originalCounters) === 0) {
    rowFloats[FLOW.originalPackets >> 1] = NOT_COUNTED;
    rowFloats[FLOW.originalBytes >> 1] = NOT_COUNTED;
  }
  if ((fields & DECODED_FIELD.replyCounters) === 0) {
    rowFloats[FLOW.replyPackets >> 1] = NOT_COUNTED;
    rowFloats[FLOW.replyBytes >> 1] = NOT_COUNTED;
  }
  rowFloats[FLOW.firstSeenMs >> 1] = timeMs;
  rowFloats[FLOW.lastSeenMs >> 1] = timeMs;
  const kind = row[FLOW.kind]!;
  const life = lifeFlags(kindProtocol(kind), kindState(kind), row[FLOW.status]!);
  row[FLOW.kind] = (kind & 0xffffff) | ((flags | life) << 24);
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
  const fields = row[FLOW.reserved]!;
  const before = page[at + FLOW.kind]!;
  let difference = 0;
  if ((fields & DECODED_FIELD.status) !== 0) {
    difference = page[at + FLOW.status]! ^ row[FLOW.status]!;
    page[at + FLOW.status] = row[FLOW.status]!;
  }
  if ((fields & DECODED_FIELD.timeout) !== 0) page[at + FLOW.timeout] = row[FLOW.timeout]!;
  if ((fields & DECODED_FIELD.mark) !== 0) {
    difference |= page[at + FLOW.mark]! ^ row[FLOW.mark]!;
    page[at + FLOW.mark] = row[FLOW.mark]!;
  }
  if ((fields & DECODED_FIELD.helper) !== 0) {
    difference |= page[at + FLOW.helper]! ^ row[FLOW.helper]!;
    page[at + FLOW.helper] = row[FLOW.helper]!;
  }
  const state = (fields & DECODED_FIELD.state) !== 0 ? kindState(row[FLOW.kind]!) : kindState(before);
  const life = flags | lifeFlags(kindProtocol(before), state, page[at + FLOW.status]!);
  const after = (before & 0xff00ffff) | (state << 16) | (life << 24);
  page[at + FLOW.kind] = after;
  const rest = DECODED_FIELD.originalCounters | DECODED_FIELD.replyCounters | DECODED_FIELD.start | DECODED_FIELD.stop;
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
  if ((fields & DECODED_FIELD.stop) !== 0) floats[at + (FLOW.stopMs >> 1)] = rowFloats[FLOW.stopMs >> 1]!;
  return changed;
}

/** True for a TCP flow that conntrack met in mid-stream (nf_conntrack_tcp_loose): a NEW in a later state than the first packet's. */
export function isPickedUp(row: Uint32Array): boolean {
  const kind = row[FLOW.kind]!;
  if (kindProtocol(kind) !== PROTOCOL.tcp) return false;
  const state = kindState(kind);
  return state > CT_TCP_STATE.synSent && state !== CT_TCP_STATE.synSent2;
}

/** The flags of a row first seen in a dump. A flow met in mid-stream shows there by its unchecked windows. */
export function dumpFlags(row: Uint32Array): number {
  const liberal = (row[FLOW.reserved]! & DECODED_FIELD.liberal) !== 0;
  return FLOW_FLAG.fromDump | FLOW_FLAG.updated | (liberal ? FLOW_FLAG.pickedUp : 0);
}

function copyCounters(floats: Float64Array, at: number, rowFloats: Float64Array, field: number): boolean {
  const changed = floats[at + field] !== rowFloats[field];
  floats[at + field] = rowFloats[field]!;
  floats[at + field + 1] = rowFloats[field + 1]!;
  return changed;
}
