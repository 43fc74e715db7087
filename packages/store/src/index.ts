/** Connections of many hosts in ClickHouse, in reading order: the sink, the store and its schema, the questions, the errors. */

export { type Batch, packBatch } from "./batch.ts";
export { type ClickhouseSink, type ClickhouseSinkOptions, clickhouse } from "./clickhouse-sink.ts";
export { insertBatch } from "./insert-batch.ts";
export { checkSchema, migrate } from "./migrate.ts";
export { DEFAULT_DATABASE, type OpenStore, openStore, type StoreOptions } from "./open-store.ts";
export { type Asked, ask, DEFAULT_SKEW_MS, QUESTIONS, type Question } from "./questions.ts";
export { COLUMNS, RowBlock } from "./row-block.ts";
export type { StoreStatus } from "./sender.ts";
export { isStoreError, StoreError, type StoreErrorCode } from "./store-error.ts";
