/** The stage that puts names to addresses (S15). It asks a cache and never waits: what is not known yet comes with a later report. */
import {
  ADDRESS_WORDS,
  CONNECTION_FLAG,
  type ConnectionColumns,
  type NameInquiry,
  type NamesHealth,
  PROTOCOL,
  type Snapshot,
} from "@conntrail/model";
import { defer, map } from "rxjs";
import { type AddressNames, createAddressNames, placeNames, resetAddressNames } from "./names/address-names.ts";
import type { Stage } from "./stage.ts";

/** Where names come from: a cache that looks up in the background what it is asked for and does not have. */
export interface NameSource {
  /** The names of the address at `offset` (four words), or `undefined` when none is known now. */
  get(words: Uint32Array, offset: number): readonly string[] | undefined;
  health(): NamesHealth;
  /** What became of the question for an address without a name; undefined where that is not known. Nobody is asked. */
  inquiry?(words: Uint32Array, offset: number): NameInquiry | undefined;
  /** Local ports that the source's own queries leave from: those connections are conntrail's own (F42). */
  ownPorts?(): readonly number[];
}

/**
 * Fills the names of each snapshot, in place: of the real `to` ends first, so that they are looked up first, then of the real
 * `from` ends. Ends and fails with its source.
 */
export function attachNames(source: NameSource): Stage<Snapshot, Snapshot> {
  return (snapshots) =>
    defer(() => {
      const seen = createAddressNames();
      return snapshots.pipe(map((snapshot) => attach(snapshot, source, seen)));
    });
}

function attach(snapshot: Snapshot, source: NameSource, seen: AddressNames): Snapshot {
  const { columns } = snapshot;
  const names: (readonly string[])[] = [];
  const get = (words: Uint32Array, offset: number): readonly string[] | undefined => source.get(words, offset);
  resetAddressNames(seen);
  for (let row = 0; row < columns.length; row++) {
    columns.toNames[row] = placeNames(seen, names, get, columns.replySource, row * ADDRESS_WORDS);
  }
  for (let row = 0; row < columns.length; row++) {
    columns.fromNames[row] = placeNames(seen, names, get, columns.originalSource, row * ADDRESS_WORDS);
  }
  tagOwn(columns, source.ownPorts?.() ?? []);
  return { ...snapshot, names, health: { ...snapshot.health, names: source.health() } };
}

/** A query of the resolver is a datagram or stream from one of its own ports, from this host. */
function tagOwn(columns: ConnectionColumns, ports: readonly number[]): void {
  if (ports.length === 0) return;
  const own = new Set(ports);
  for (let row = 0; row < columns.length; row++) {
    const protocol = columns.protocol[row];
    if (protocol !== PROTOCOL.udp && protocol !== PROTOCOL.tcp) continue;
    if ((columns.flags[row]! & CONNECTION_FLAG.fromLocal) === 0) continue;
    if (own.has(columns.originalPorts[row]! >>> 16)) columns.flags[row]! |= CONNECTION_FLAG.selfTraffic;
  }
}
