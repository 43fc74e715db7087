/**
 * What TCP_INFO said of each socket in the latest two tables: a connection that closed between them is told with what was seen of it last. A socket is a row's when
 * its ends are, and the row can have lived while the namespace was read.
 */
import {
  ADDRESS_WORDS,
  CONNECTION_FLAG,
  CONNECTION_STATE,
  type ConnectionColumns,
  hashEnd,
  indexOf,
  isLoopback,
  kindProtocol,
  kindState,
  PROTOCOL,
  SOCKET,
  SOCKET_STATE,
  SOCKET_WORDS,
  type SocketTable,
  sameAddress,
  TCP_FACT,
  TCP_FACT_DOUBLES,
} from "@conntrail/model";
import { addEntry, createHashIndex, entryValue, firstEntry, type HashIndex, nextEntry } from "../rows/hash-index.ts";
import { tupleHash } from "../rows/tuple-hash.ts";
import type { BoundedSnapshot, RowBounds } from "../traced/row-bounds.ts";

const ENDED = new Set([indexOf(CONNECTION_STATE, "closed"), indexOf(CONNECTION_STATE, "failed")]);

/** One table, and its sockets by both ends. */
interface Generation {
  readonly rows: Uint32Array;
  readonly doubles: Float64Array;
  readonly index: HashIndex;
  /** By namespace: when its sockets were read. */
  readonly read: ReadonlyMap<number, { readonly readFromMs: number; readonly readByMs: number }>;
}

/** The book. */
export class TcpBook {
  #latest: Generation | undefined;
  #before: Generation | undefined;

  /** Takes a table, which must not change any more. One without sockets says nothing about what is gone. */
  take({ rows, count, namespaces, health }: SocketTable): void {
    if (health.state === "off") return;
    const index = createHashIndex(Math.min(count, 1024));
    for (let base = 0; base < count * SOCKET_WORDS; base += SOCKET_WORDS) {
      const kind = rows[base + SOCKET.kind]!;
      if (kindProtocol(kind) !== PROTOCOL.tcp || kindState(kind) === SOCKET_STATE.listen) continue;
      if (rows[base + SOCKET.rttMicros] === 0) continue;
      addEntry(index, tupleHash(rows, base + SOCKET.local, rows[base + SOCKET.ports]!, PROTOCOL.tcp), base);
    }
    this.#before = this.#latest;
    // Of a namespace with very many sockets none tells anything: then the table is not kept for it.
    if (index.used === 0) {
      this.#latest = undefined;
      return;
    }
    const read = new Map(namespaces.map((facts) => [facts.netns, facts]));
    const doubles = new Float64Array(rows.buffer, rows.byteOffset, rows.length >> 1);
    this.#latest = { rows, doubles, index, read };
  }

  /** Puts to each TCP row what is known of it. */
  tell(snapshot: BoundedSnapshot): BoundedSnapshot {
    const generations = [this.#latest, this.#before].filter((each) => each !== undefined);
    if (generations.length === 0) return snapshot;
    const { columns, bounds } = snapshot;
    const facts: number[] = [];
    for (let row = 0; row < columns.length; row++) {
      if (columns.protocol[row] !== PROTOCOL.tcp || (columns.flags[row]! & CONNECTION_FLAG.aggregated) !== 0) continue;
      for (const generation of generations) {
        if (tellRow(columns, bounds, row, generation, facts)) break;
      }
    }
    return facts.length === 0 ? snapshot : { ...snapshot, tcp: Float64Array.from(facts) };
  }
}

/** By the socket of the opener, else by that of the server. */
function tellRow(
  columns: ConnectionColumns,
  bounds: RowBounds,
  row: number,
  table: Generation,
  facts: number[],
): boolean {
  for (const end of [0, 1]) {
    const base = find(columns, bounds, row, end === 0, table);
    if (base < 0) continue;
    const sent = table.doubles[(base + SOCKET.bytesSent) >> 1]!;
    const received = table.doubles[(base + SOCKET.bytesReceived) >> 1]!;
    columns.tcp[row] = 1 + facts.length / TCP_FACT_DOUBLES;
    const record = new Array<number>(TCP_FACT_DOUBLES);
    record[TCP_FACT.originalBytes] = end === 0 ? sent : received;
    record[TCP_FACT.replyBytes] = end === 0 ? received : sent;
    record[TCP_FACT.rttMicros] = table.rows[base + SOCKET.rttMicros]!;
    record[TCP_FACT.retransmits] = table.rows[base + SOCKET.retransmits]!;
    record[TCP_FACT.measuredMs] = table.read.get(table.rows[base + SOCKET.netns]!)!.readByMs;
    record[TCP_FACT.end] = end;
    facts.push(...record);
    return true;
  }
  return false;
}

/** The one socket of an end, preferably in the namespace that told of it; -1 when there is none, or several can be meant. */
function find(columns: ConnectionColumns, bounds: RowBounds, row: number, isFrom: boolean, table: Generation): number {
  const local = isFrom ? columns.originalSource : columns.replySource;
  const remote = isFrom ? columns.originalDestination : columns.replyDestination;
  const ports = (isFrom ? columns.originalPorts : columns.replyPorts)[row]!;
  const netns = (isFrom ? columns.netns : bounds.toNetns)[row]!;
  const at = row * ADDRESS_WORDS;
  const hash = (hashEnd(local, at, ports >>> 16) + hashEnd(remote, at, ports & 0xffff) + PROTOCOL.tcp) >>> 1;
  const { rows, index } = table;
  let own = -1;
  let other = -1;
  let others = 0;
  for (let entry = firstEntry(index, hash); entry >= 0; entry = nextEntry(index, hash, entry)) {
    const base = entryValue(index, entry);
    if (rows[base + SOCKET.ports] !== ports || !sameAddress(rows, base + SOCKET.local, local, at)) continue;
    if (!sameAddress(rows, base + SOCKET.remote, remote, at)) continue;
    const read = table.read.get(rows[base + SOCKET.netns]!);
    if (read === undefined || read.readByMs < bounds.beganAfterMs[row]!) continue;
    if (ENDED.has(columns.state[row]!) && read.readFromMs > columns.lastSeenMs[row]!) continue;
    if (rows[base + SOCKET.netns] === netns) own = own < 0 ? base : -2;
    else {
      other = base;
      others++;
    }
  }
  if (own !== -1) return own;
  return others === 1 && !isLoopback(local, at) ? other : -1;
}
