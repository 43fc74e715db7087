/** What a consumer of batches knows, kept the simple way: a map of live flows and a list of ended ones. */
import {
  FLOW,
  FLOW_CHANGE,
  FLOW_FLAG,
  FLOW_WORDS,
  type FlowBatch,
  formatAddress,
  kindFlags,
  kindProtocol,
  kindState,
} from "@conntrail/model";

/** One row, readable. */
export interface Seen {
  readonly key: string;
  readonly change: number;
  readonly state: number;
  readonly flags: number;
  readonly id: number;
  readonly mark: number;
  readonly status: number;
  readonly count: number;
}

/** Reads row `i` of a batch. */
function readRow(batch: FlowBatch, i: number): Seen {
  const at = i * FLOW_WORDS;
  const { rows } = batch;
  const kind = rows[at + FLOW.kind]!;
  const ports = rows[at + FLOW.originalPorts]!;
  const source = `${formatAddress(rows, at + FLOW.originalSource)}:${ports >>> 16}`;
  const destination = `${formatAddress(rows, at + FLOW.originalDestination)}:${ports & 0xffff}`;
  return {
    key: `${rows[at + FLOW.netns]!}/${rows[at + FLOW.zone]!}/${kindProtocol(kind)} ${source} ${destination}`,
    change: batch.changes[i]!,
    state: kindState(kind),
    flags: kindFlags(kind),
    id: rows[at + FLOW.id]!,
    mark: rows[at + FLOW.mark]!,
    status: rows[at + FLOW.status]!,
    count: rows[at + FLOW.count]!,
  };
}

/** All rows of a batch. */
export function readRows(batch: FlowBatch): Seen[] {
  return Array.from({ length: batch.count }, (_, i) => readRow(batch, i));
}

/** Follows batches. */
export class Consumer {
  readonly live = new Map<string, Seen>();
  readonly ended: Seen[] = [];
  batches = 0;

  take(batch: FlowBatch): this {
    this.batches++;
    for (const row of readRows(batch)) {
      if (row.change === FLOW_CHANGE.upsert && (row.flags & FLOW_FLAG.closed) === 0) this.live.set(row.key, row);
      else {
        this.ended.push(row);
        if ((row.flags & FLOW_FLAG.aggregated) === 0) this.live.delete(row.key);
      }
    }
    return this;
  }

  /** Connections that ended, aggregated ones by their count. */
  get closed(): number {
    return this.ended.reduce((sum, { count }) => sum + count, 0);
  }
}
