/** Rows into columns. */
import {
  ADDRESS_WORDS,
  CONNECTION_FLAG,
  type ConnectionColumns,
  EXACT,
  EXACT_COUNTERS,
  type Master,
  type Owner,
} from "@conntrail/model";
import { isOver, REASON } from "../codes.ts";
import type { OwnerRegistry } from "../owners/owner-registry.ts";
import type { ConnectionRows } from "../rows/connection-rows.ts";
import type { Row } from "../rows/row.ts";
import type { RowEnd } from "../rows/row-end.ts";
import type { DeviceNames } from "../sockets/device-names.ts";
import type { RowBounds } from "../traced/row-bounds.ts";

/** What a row does not say by itself. */
export interface RowFacts {
  /** CONNECTION_STATE as its index. */
  readonly state: number;
  /** SOURCE bits. */
  readonly sources: number;
  /** CONNECTION_FLAG bits beside those of place. */
  readonly flags: number;
  /** The number that the connection is told by. */
  readonly id: number;
  readonly netns: number;
  readonly status: number;
  /** What the direction is known by: indices of EVIDENCE and CONFIDENCE. */
  readonly evidence: number;
  readonly confidence: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly beganAfterMs: number;
  readonly toNetns: number;
  /** The row whose counters are told. */
  readonly counter: Row;
}

/** Columns being filled, and the owners they point into. */
export class ColumnWriter {
  readonly columns: ConnectionColumns;
  readonly bounds: RowBounds;
  readonly owners: Owner[] = [];
  readonly devices: string[] = [];
  readonly masters: Master[] = [];
  readonly exact: bigint[] = [];
  readonly #registry: OwnerRegistry;
  readonly #names: DeviceNames;
  readonly #devicePlaces = new Map<number, number>();

  constructor(columns: ConnectionColumns, bounds: RowBounds, registry: OwnerRegistry, names: DeviceNames) {
    this.columns = columns;
    this.bounds = bounds;
    this.#registry = registry;
    this.#names = names;
  }

  /** Appends a connection: the opener's side from row `head`, the server's from row `tail` (the same, unless namespaces lie between). */
  write(rows: ConnectionRows, head: Row, tail: Row, facts: RowFacts): void {
    const { columns } = this;
    const i = columns.length++;
    const opener = rows.opener(head);
    const server = rows.server(tail);
    writeTuple(rows, head, opener, columns.originalSource, columns.originalDestination, columns.originalPorts, i);
    writeTuple(rows, tail, server, columns.replySource, columns.replyDestination, columns.replyPorts, i);
    columns.id[i] = facts.id;
    this.#writeOwner(columns.fromOwner, columns.fromReason, i, rows, head, opener, facts);
    this.#writeOwner(columns.toOwner, columns.toReason, i, rows, tail, server, facts);
    columns.fromDevice[i] = this.#placeDevice(rows.device(head, opener));
    columns.toDevice[i] = this.#placeDevice(rows.device(tail, server));
    columns.evidence[i] = facts.evidence;
    columns.confidence[i] = facts.confidence;
    columns.protocol[i] = rows.protocol(head);
    columns.family[i] = rows.family(head);
    columns.zone[i] = rows.zone(head);
    columns.count[i] = rows.count(head);
    columns.mark[i] = rows.mark(head);
    columns.netns[i] = facts.netns;
    columns.sources[i] = facts.sources;
    columns.state[i] = facts.state;
    columns.status[i] = facts.status;
    columns.flags[i] = facts.flags | placeFlags(rows, head, tail, opener, server);
    columns.firstSeenMs[i] = facts.firstSeenMs;
    columns.lastSeenMs[i] = facts.lastSeenMs;
    this.bounds.beganAfterMs[i] = facts.beganAfterMs;
    this.bounds.toNetns[i] = facts.toNetns;
    const { counter } = facts;
    const sender = rows.opener(counter);
    const answerer = rows.server(counter);
    columns.originalPackets[i] = rows.packets(counter, sender);
    columns.originalBytes[i] = rows.bytes(counter, sender);
    columns.replyPackets[i] = rows.packets(counter, answerer);
    columns.replyBytes[i] = rows.bytes(counter, answerer);
  }

  /** Says who announced the connection that was written last. */
  writeMaster(master: Master): void {
    this.columns.master[this.columns.length - 1] = this.masters.push(master);
  }

  /** While nothing but an entry is left of a connection, its processes are not told: they may be gone. One that has ended has those that it had. */
  #writeOwner(
    owners: Uint32Array,
    reasons: Uint8Array,
    i: number,
    rows: ConnectionRows,
    row: Row,
    end: RowEnd,
    { flags, state }: RowFacts,
  ): void {
    const owner = rows.owner(row, end);
    const isTakenBack = owner !== 0 && (flags & CONNECTION_FLAG.stale) !== 0 && !isOver(state);
    owners[i] = isTakenBack ? 0 : this.#registry.placeIn(this.owners, owner);
    reasons[i] = isTakenBack ? REASON["no-socket"] : rows.reason(row, end);
  }

  /** Says what the counters are of the connection that was written last; `isOpener`: its original direction is the opener's. */
  writeExact(record: Uint32Array, isOpener: boolean): void {
    const whole = (at: number): bigint => (BigInt(record[at]!) << 32n) | BigInt(record[at + 1]!);
    const original = [whole(EXACT.originalPackets), whole(EXACT.originalBytes)];
    const reply = [whole(EXACT.replyPackets), whole(EXACT.replyBytes)];
    const length = this.exact.push(...(isOpener ? [...original, ...reply] : [...reply, ...original]));
    this.columns.exact[this.columns.length - 1] = length / EXACT_COUNTERS;
  }

  /** The place of a device in the list (1-based; 0 for none), where it is put when it is not there yet. */
  #placeDevice(id: number): number {
    if (id === 0) return 0;
    const known = this.#devicePlaces.get(id);
    if (known !== undefined) return known;
    const place = this.devices.push(this.#names.name(id));
    this.#devicePlaces.set(id, place);
    return place;
  }
}

/** Which ends are on this host; transit when neither is, where that can be known. */
function placeFlags(rows: ConnectionRows, head: Row, tail: Row, opener: RowEnd, server: RowEnd): number {
  const fromLocal = rows.isLocal(head, opener);
  const toLocal = rows.isLocal(tail, server);
  let flags = fromLocal ? CONNECTION_FLAG.fromLocal : 0;
  if (toLocal) flags |= CONNECTION_FLAG.toLocal;
  const ruled = rows.isRuled(tail, server);
  if (ruled) flags |= CONNECTION_FLAG.toRuled;
  if (!fromLocal && !toLocal && !ruled && rows.isMapped(head)) flags |= CONNECTION_FLAG.transit;
  // Behind other namespaces, only the one that translates can redirect to itself.
  const counts = head === tail || rows.isTranslated(tail);
  if (counts && rows.isOwn(tail, server)) flags |= CONNECTION_FLAG.toOwnNamespace;
  return flags;
}

/** The tuple that an end sends with. */
function writeTuple(
  rows: ConnectionRows,
  row: Row,
  end: RowEnd,
  source: Uint32Array,
  destination: Uint32Array,
  ports: Uint32Array,
  i: number,
): void {
  const from = rows.address(row, end);
  const to = rows.peer(row, end);
  const at = i * ADDRESS_WORDS;
  const { words } = rows;
  for (let word = 0; word < ADDRESS_WORDS; word++) {
    source[at + word] = words[from + word]!;
    destination[at + word] = words[to + word]!;
  }
  ports[i] = rows.ports(row, end);
}
