/**
 * The two legs of a connection that a process on this host passes on: a sidecar or transparent proxy that accepts what was meant for another address, and connects to that address
 * itself. Both legs are told as what they are, and name the process between them; neither is hidden (F70).
 */
import { ADDRESS_WORDS, CONNECTION_FLAG, type ConnectionColumns, sameAddress, visibleToPort } from "@conntrail/model";
import { NAT } from "../codes.ts";

/** Fills the `via` column, in place, for rows whose NAT is known. Where no connection was turned to another process it looks at nothing twice. */
export function linkLegs(columns: ConnectionColumns): void {
  const taken = takenLegs(columns);
  if (taken.size === 0) return;
  for (let row = 0; row < columns.length; row++) {
    const owner = columns.fromOwner[row]!;
    if (owner === 0 || columns.toOwner[row] === owner) continue;
    for (const leg of taken.get(legKey(columns, row, owner)) ?? []) {
      if (!areOneWay(columns, leg, row)) continue;
      columns.via[leg] = owner;
      columns.via[row] = owner;
    }
  }
}

/** The connections that a process took though they were meant for another address: redirected, or by a rule (TPROXY). */
function takenLegs(columns: ConnectionColumns): ReadonlyMap<number, number[]> {
  const taken = new Map<number, number[]>();
  for (let row = 0; row < columns.length; row++) {
    const owner = columns.toOwner[row]!;
    if (owner === 0 || columns.fromOwner[row] === owner) continue;
    const nat = columns.nat[row]!;
    const ruled = (columns.flags[row]! & CONNECTION_FLAG.toRuled) !== 0;
    if (!ruled && (nat === NAT.none || nat === NAT.snat)) continue;
    const key = legKey(columns, row, owner);
    const others = taken.get(key);
    if (others === undefined) taken.set(key, [row]);
    else others.push(row);
  }
  return taken;
}

/** By the process and the port that was called. */
function legKey(columns: ConnectionColumns, row: number, owner: number): number {
  return owner * 0x10000 + visibleToPort(columns, row);
}

/** Both were meant for the same address and port. */
function areOneWay({ originalDestination, protocol }: ConnectionColumns, a: number, b: number): boolean {
  if (a === b || protocol[a] !== protocol[b]) return false;
  return sameAddress(originalDestination, a * ADDRESS_WORDS, originalDestination, b * ADDRESS_WORDS);
}
