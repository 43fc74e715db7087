/**
 * The heart of the pipeline: flows and sockets in, connections out. The work is done by plain functions over a state
 * (flows/take-batch.ts, merge-state.ts, settle.ts, snapshot/build-snapshot.ts); this is their operator.
 */
import type { FlowBatch, SocketTable, Tick } from "@conntrail/model";
import { defer, filter, map } from "rxjs";
import { expireEntryless } from "./closings/lost-entries.ts";
import { takeBatch } from "./flows/take-batch.ts";
import { type MergeOptions, mergeSettings } from "./merge-options.ts";
import { createMergeState, type MergeState, sweepOwners, takeSocketTable } from "./merge-state.ts";
import { settle } from "./settle.ts";
import { buildNews } from "./snapshot/build-news.ts";
import { buildSnapshot } from "./snapshot/build-snapshot.ts";
import type { Stage } from "./stage.ts";
import type { BoundedSnapshot } from "./traced/row-bounds.ts";

/**
 * Emits one snapshot per tick, synchronously. Batches and tables are only read; a snapshot's columns belong to whoever
 * receives it. Ends and fails with its source, and holds nothing afterwards.
 */
export function merge(options: MergeOptions = {}): Stage<FlowBatch | SocketTable | Tick, BoundedSnapshot> {
  const settings = mergeSettings(options);
  return (source) =>
    defer(() => {
      const state = createMergeState(settings);
      return source.pipe(
        map((input) => take(state, input)),
        filter((snapshot) => snapshot !== undefined),
      );
    });
}

function take(state: MergeState, input: FlowBatch | SocketTable | Tick): BoundedSnapshot | undefined {
  switch (input.kind) {
    case "flows":
      state.firstMs ??= input.timeMs;
      state.conntrack = input.health;
      takeBatch(state.flows, input);
      return undefined;
    case "sockets":
      // It may have waited behind batches that are younger.
      state.firstMs = Math.min(state.firstMs ?? input.timeMs, input.timeMs);
      // The table that goes may show connections that no later one will.
      if (state.unsettled) settle(state);
      takeSocketTable(state, input);
      return undefined;
    case "tick": {
      settle(state);
      expireEntryless(state.flows, input, state.context.blind === 0 ? state.tableStartedMs : Number.NEGATIVE_INFINITY);
      if (input.news !== undefined) return buildNews(state, input);
      const snapshot = buildSnapshot(state, input);
      sweepOwners(state);
      return snapshot;
    }
  }
}
