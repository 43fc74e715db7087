/**
 * The tuple on the wire where a flow's packets enter and leave its namespace, in the direction opener to server: the original tuple
 * comes in, the reply tuple reversed goes out. For a row whose direction is swapped it is the other way round.
 */
import { ADDRESS_WORDS, FLOW, isLoopback } from "@conntrail/model";
import { exitPorts, MARK, originalHash, ROW, replyHash } from "./row.ts";
import { baseOf, pageOf, type RowStore } from "./row-store.ts";

/** Words of a tuple here: source and destination address, then ports (source << 16 | destination). */
export const WIRE_WORDS = 9;

const DESTINATION = ADDRESS_WORDS;
const PORTS = 2 * ADDRESS_WORDS;

/** Writes the tuple that a flow enters its namespace with. */
export function readEntry(store: RowStore, slot: number, tuple: Uint32Array): void {
  const page = pageOf(store, slot);
  const base = baseOf(slot);
  const swapped = isSwapped(page, base);
  const from = base + (swapped ? FLOW.replySource : FLOW.originalSource);
  for (let i = 0; i < PORTS; i++) tuple[i] = page[from + i]!;
  tuple[PORTS] = page[base + (swapped ? FLOW.replyPorts : FLOW.originalPorts)]!;
}

/** Writes the tuple that a flow leaves its namespace with. */
export function readExit(store: RowStore, slot: number, tuple: Uint32Array): void {
  const page = pageOf(store, slot);
  const base = baseOf(slot);
  const swapped = isSwapped(page, base);
  const from = base + (swapped ? FLOW.originalSource : FLOW.replySource);
  for (let i = 0; i < ADDRESS_WORDS; i++) {
    tuple[i] = page[from + DESTINATION + i]!;
    tuple[DESTINATION + i] = page[from + i]!;
  }
  tuple[PORTS] = swapped ? turned(page[base + FLOW.originalPorts]!) : exitPorts(page, base);
}

/** The direction-free hash of the tuple that a flow leaves its namespace with. */
export function exitHash(store: RowStore, slot: number): number {
  const page = pageOf(store, slot);
  const base = baseOf(slot);
  return isSwapped(page, base) ? originalHash(page, base) : replyHash(page, base);
}

/** How a flow's entry relates to a tuple. */
export const SAME_WIRE = { no: 0, yes: 1, reversed: 2 } as const;

/** Compares the entry of a flow with a tuple. */
export function compareEntry(store: RowStore, slot: number, tuple: Uint32Array): number {
  readEntry(store, slot, scratch);
  if (sameTuple(scratch, tuple)) return SAME_WIRE.yes;
  if (scratch[PORTS] !== turned(tuple[PORTS]!)) return SAME_WIRE.no;
  for (let i = 0; i < ADDRESS_WORDS; i++) {
    if (scratch[i] !== tuple[DESTINATION + i] || scratch[DESTINATION + i] !== tuple[i]) return SAME_WIRE.no;
  }
  return SAME_WIRE.reversed;
}

/** True when two tuples are the same, direction included. */
export function sameTuple(a: Uint32Array, b: Uint32Array): boolean {
  for (let i = 0; i < WIRE_WORDS; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** True when packets with this tuple cannot leave their namespace. */
export function staysInside(tuple: Uint32Array): boolean {
  return isLoopback(tuple, 0) || isLoopback(tuple, DESTINATION);
}

const scratch = new Uint32Array(WIRE_WORDS);

function isSwapped(page: Uint32Array, base: number): boolean {
  return (page[base + ROW.marks]! & MARK.swapped) !== 0;
}

function turned(ports: number): number {
  return ((ports << 16) | (ports >>> 16)) >>> 0;
}
