/**
 * The heart of the pipeline: flows and sockets in, connections out. The work is done by plain functions over a state
 * (flow-intake.ts, merge-state.ts, settle.ts, build-snapshot.ts); this is their operator.
 */
import type { FlowBatch, Snapshot, SocketTable, Tick } from "@conntrail/model";
import { defer, filter, map } from "rxjs";
import { buildSnapshot } from "./build-snapshot.ts";
import { takeBatch } from "./flow-intake.ts";
import { type MergeOptions, mergeSettings } from "./merge-options.ts";
import { createMergeState, eachOwner, type MergeState, takeSocketTable } from "./merge-state.ts";
import { sweepOwners } from "./owner-registry.ts";
import { settle } from "./settle.ts";
import type { Stage } from "./stage.ts";

/**
 * Emits one snapshot per tick, synchronously. Batches and tables are only read; a snapshot's columns belong to whoever
 * receives it. Ends and fails with its source, and holds nothing afterwards.
 */
export function merge(options: MergeOptions = {}): Stage<FlowBatch | SocketTable | Tick, Snapshot> {
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

function take(state: MergeState, input: FlowBatch | SocketTable | Tick): Snapshot | undefined {
  switch (input.kind) {
    case "flows":
      state.firstMs ??= input.timeMs;
      state.conntrack = input.health;
      takeBatch(state.flows, input);
      return undefined;
    case "sockets":
      state.firstMs ??= input.timeMs;
      // The table that goes may show connections that no later one will.
      if (state.unsettled) settle(state);
      takeSocketTable(state, input);
      return undefined;
    case "tick": {
      settle(state);
      const snapshot = buildSnapshot(state, input);
      sweepOwners(state.registry, (keep) => eachOwner(state, keep));
      return snapshot;
    }
  }
}
