/** A batch with its rows in another order that says the same: those of each namespace stay in theirs, and nothing says which namespace was read first. */
import { FLOW, FLOW_WORDS, type FlowBatch } from "@conntrail/model";
import type { Random } from "../truth/random.ts";

/** Mixes the rows of the namespaces at random. */
export function interleave(batch: FlowBatch, random: Random): FlowBatch {
  const queues = new Map<number, number[]>();
  for (let i = 0; i < batch.count; i++) {
    const netns = batch.rows[i * FLOW_WORDS + FLOW.netns]!;
    queues.set(netns, [...(queues.get(netns) ?? []), i]);
  }
  const rows = new Uint32Array(batch.count * FLOW_WORDS);
  const changes = new Uint8Array(batch.count);
  const waiting = [...queues.values()];
  for (let to = 0; to < batch.count; to++) {
    const queue = random.pick(waiting.filter(({ length }) => length > 0));
    const from = queue.shift()!;
    rows.set(batch.rows.subarray(from * FLOW_WORDS, (from + 1) * FLOW_WORDS), to * FLOW_WORDS);
    changes[to] = batch.changes[from]!;
  }
  return { ...batch, rows, changes };
}
