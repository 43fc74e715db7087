/** Sends one batch: one statement, its columns as they lie in the batch, with the token that makes a second sending harmless. */
import type { Batch } from "./batch.ts";
import type { OpenStore } from "./open-store.ts";
import { toStoreError } from "./store-error.ts";

/** Resolves when the server has the batch; throws `StoreError`. */
export async function insertBatch(store: OpenStore, batch: Batch, signal: AbortSignal): Promise<void> {
  const settings = {
    insert_deduplication_token: batch.token,
    deduplicate_blocks_in_dependent_materialized_views: 1,
    input_format_skip_unknown_fields: 0,
    // One block a batch, so that one token is one block.
    max_insert_block_size: "1048576",
    input_format_parallel_parsing: 0,
    // The feeds of the summed tables group already; to look for more to sum before the rows are written costs more than all the rest.
    optimize_on_insert: 0,
  } as const;
  try {
    await store.insertPacked(batch, { settings, signal });
  } catch (error) {
    throw toStoreError(error);
  }
}
