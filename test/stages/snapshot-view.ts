/** Snapshots as plain values to compare with, and runs of the merge over inputs in order. */
import {
  CONFIDENCE,
  CONNECTION_FLAG,
  CONNECTION_STATE,
  type Confidence,
  type ConnectionState,
  EVIDENCE,
  type Evidence,
  type FlowBatch,
  NAT_KIND,
  type NatKind,
  OWNER_REASON,
  protocolName,
  realEnds,
  type Snapshot,
  SOURCE,
  type SocketTable,
  type Tick,
  visibleEnds,
} from "@conntrail/model";
import { awaitCut, type MergeOptions, mapNat, merge } from "@conntrail/stages";
import { from, toArray } from "rxjs";
import { formatEnds } from "./ends.ts";

/** One connection of a snapshot. */
export interface Connection {
  readonly protocol: string;
  /** Real ends: `10.0.0.1:1234 > 10.0.0.2:80`. */
  readonly ends: string;
  /** What each side sees of the other, where that is not the same. */
  readonly visible: string | undefined;
  readonly netns: number;
  readonly state: ConnectionState;
  readonly evidence: Evidence;
  readonly confidence: Confidence;
  readonly nat: NatKind;
  /** `name(pid)`, with `*` when it is the listener's, or the reason why there is none. */
  readonly from: string;
  readonly to: string;
  readonly sources: readonly string[];
  readonly flags: readonly string[];
  readonly count: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly counters: readonly number[];
}

/** The connections of a snapshot, in its order. */
export function connections(snapshot: Snapshot): Connection[] {
  return Array.from({ length: snapshot.columns.length }, (_, row) => connection(snapshot, row));
}

/** `tcp 10.0.0.1:1234 > 10.0.0.2:80 established`, one line per connection, sorted. */
export function lines(snapshot: Snapshot): string[] {
  return connections(snapshot)
    .map((row) => `${row.protocol} ${row.ends} ${row.state}${row.count === 1 ? "" : ` ×${row.count}`}`)
    .sort();
}

/** The only connection of a snapshot. */
export function only(snapshot: Snapshot): Connection {
  const rows = connections(snapshot);
  if (rows.length !== 1) throw new Error(`expected one connection, got ${JSON.stringify(lines(snapshot))}`);
  return rows[0]!;
}

/** Runs the inputs through merge and mapNat. One snapshot per tick. */
export function run(inputs: readonly (FlowBatch | SocketTable | Tick)[], options?: MergeOptions): Snapshot[] {
  let snapshots: Snapshot[] = [];
  from(inputs)
    .pipe(merge(options), mapNat(), toArray())
    .subscribe({
      next: (all) => {
        snapshots = all;
      },
      error: (error: unknown) => {
        throw error;
      },
    });
  return snapshots;
}

/** The same, with tables that wait for the events of their time. */
export function runBehindCuts(inputs: readonly (FlowBatch | SocketTable | Tick)[]): Snapshot[] {
  const ordered: (FlowBatch | SocketTable | Tick)[] = [];
  from(inputs)
    .pipe(awaitCut())
    .subscribe({
      next: (input) => ordered.push(input),
      error: (error: unknown) => {
        throw error;
      },
    });
  return run(ordered);
}

/** Asks for a snapshot. */
export function tick(timeMs: number, final = false): Tick {
  return { kind: "tick", timeMs, final };
}

function connection({ columns, owners }: Snapshot, row: number): Connection {
  const real = formatEnds(realEnds(columns, row));
  const visible = formatEnds(visibleEnds(columns, row));
  const person = (place: number, reason: number): string => {
    const holder = owners[place - 1];
    if (holder === undefined) return OWNER_REASON[reason]!;
    return `${holder.process}(${holder.pid})${OWNER_REASON[reason] === "listener" ? "*" : ""}`;
  };
  return {
    protocol: protocolName(columns.protocol[row]!),
    ends: real,
    visible: visible === real ? undefined : visible,
    netns: columns.netns[row]!,
    state: CONNECTION_STATE[columns.state[row]!]!,
    evidence: EVIDENCE[columns.evidence[row]!]!,
    confidence: CONFIDENCE[columns.confidence[row]!]!,
    nat: NAT_KIND[columns.nat[row]!]!,
    from: person(columns.fromOwner[row]!, columns.fromReason[row]!),
    to: person(columns.toOwner[row]!, columns.toReason[row]!),
    sources: bits(SOURCE, columns.sources[row]!),
    flags: bits(CONNECTION_FLAG, columns.flags[row]!),
    count: columns.count[row]!,
    firstSeenMs: columns.firstSeenMs[row]!,
    lastSeenMs: columns.lastSeenMs[row]!,
    counters: [
      columns.originalPackets[row]!,
      columns.originalBytes[row]!,
      columns.replyPackets[row]!,
      columns.replyBytes[row]!,
    ],
  };
}

function bits(names: Readonly<Record<string, number>>, value: number): string[] {
  return Object.keys(names).filter((name) => (value & names[name]!) !== 0);
}
