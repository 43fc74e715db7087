/** Sends one batch: one statement, its lines streamed, with the token that makes a second sending harmless. */
import { Readable } from "node:stream";
import { type Batch, HEADER } from "./batch.ts";
import type { OpenStore } from "./open-store.ts";
import { toStoreError } from "./store-error.ts";

const FORMAT = "TabSeparatedWithNames";

/** Resolves when the server has the batch; throws `StoreError`. */
export async function insertBatch(store: OpenStore, batch: Batch, signal: AbortSignal): Promise<void> {
  const settings = {
    insert_deduplication_token: batch.token,
    deduplicate_blocks_in_dependent_materialized_views: 1,
    input_format_skip_unknown_fields: 0,
    // One block a batch, so that one token is one block.
    max_insert_block_size: "1048576",
    input_format_parallel_parsing: 0,
  } as const;
  try {
    if (store.insertText !== undefined) {
      return await store.insertText("connections", FORMAT, HEADER + batch.text, settings);
    }
    await store.client.insert({
      table: "connections",
      values: Readable.from([HEADER, batch.text], { objectMode: false }),
      format: FORMAT,
      abort_signal: signal,
      clickhouse_settings: settings,
    });
  } catch (error) {
    throw toStoreError(error);
  }
}
