/**
 * A sink that keeps connections in ClickHouse: closed ones as they are told, living ones at an interval, in batches that the server takes
 * exactly once. It has the shape of the reporter's `Sink`; a delivery only appends rows to columns, packing and sending go on beside it.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Report } from "@conntrail/report";
import { appendRow } from "./append-row.ts";
import { batchToken, newBoot, packBatch } from "./batch.ts";
import { ConnectionLedger, DEFAULT_LEDGER_SIZE } from "./connection-ledger.ts";
import { insertBatch } from "./insert-batch.ts";
import { checkSchema, migrate } from "./migrate.ts";
import { type OpenStore, openStore, type StoreOptions } from "./open-store.ts";
import { RowBlock } from "./row-block.ts";
import { Sender, type StoreStatus } from "./sender.ts";
import { Spool } from "./spool.ts";
import { type Told, tellings } from "./tellings.ts";

/** Options of `clickhouse()`. */
export interface ClickhouseSinkOptions extends StoreOptions {
  /** `http(s)://[user[:password]@]host[:port][/database]`, or `chdb:PATH`. */
  readonly url: string;
  /** Site or VPC of this host: private addresses mean something only inside one. Default: none. */
  readonly scope?: string;
  /** How often living connections are told, milliseconds. Default 60,000. */
  readonly intervalMs?: number;
  /** Longest time that a row waits for its batch to fill, milliseconds. Default 5,000, or the interval if that is shorter. */
  readonly batchMs?: number;
  /** Rows of a batch at the most. Default 50,000. */
  readonly batchRows?: number;
  /** Folder for batches while the server is away. Default: none, and what finds no room in memory is lost and counted. */
  readonly spool?: string;
  /** Bytes that the spool may take on disk. Default 256 MiB. */
  readonly spoolBytes?: number;
  /** Batches that wait in memory. Default 8. */
  readonly memoryBatches?: number;
  /** Living connections that are remembered as told. Default 262,144. */
  readonly maxConnections?: number;
  /** Makes the tables before the first row. Default: only with `chdb:`. */
  readonly migrate?: boolean;
  /** Told when the store goes away, fails for good, comes back, closes. */
  readonly onStatus?: (status: StoreStatus) => void;
}

/** The sink, and what it has to say. */
export interface ClickhouseSink {
  readonly name: "clickhouse";
  readonly encoding: null;
  deliver(delivery: { readonly report: Report }, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
  readonly status: StoreStatus;
}

const DEFAULTS = {
  scope: "",
  intervalMs: 60_000,
  batchMs: 5000,
  batchRows: 50_000,
  spoolBytes: 256 * 1024 * 1024,
  memoryBatches: 8,
  maxConnections: DEFAULT_LEDGER_SIZE,
} as const;

/** Rows that are appended before the host's event loop gets its turn: about a millisecond. */
const SLICE_ROWS = 512;

/** First wait after a failed insertion, the longest one, and what `close()` grants the server. */
const BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
const CLOSE_MS = 3000;

/** Makes the sink. Nothing is sent before the first report; a server that is away does not stop it. */
export function clickhouse(options: ClickhouseSinkOptions): ClickhouseSink {
  const settings = { ...DEFAULTS, ...options };
  const batchMs = options.batchMs ?? Math.min(DEFAULTS.batchMs, settings.intervalMs);
  const boot = newBoot(Date.now());
  const ledger = new ConnectionLedger(settings.maxConnections);
  const spool = settings.spool === undefined ? undefined : new Spool(settings.spool, settings.spoolBytes);
  let store: Promise<OpenStore> | undefined;
  const readyStore = (): Promise<OpenStore> => {
    store ??= prepare(settings).catch((error: unknown) => {
      store = undefined;
      throw error;
    });
    return store;
  };
  const sender = new Sender({
    spool,
    memoryBatches: settings.memoryBatches,
    backoffMs: BACKOFF_MS,
    maxBackoffMs: MAX_BACKOFF_MS,
    onStatus: settings.onStatus ?? ((): void => undefined),
    insert: async (batch, signal) => insertBatch(await readyStore(), batch, signal),
  });

  let batches = 0;
  let block = new RowBlock();
  /** The last batch on its way to the sender: they are packed one after another, for they are sent in order. */
  let packing: Promise<void> = Promise.resolve();
  let resumed: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let nextRoundMs = 0;
  /** The last report, while its living connections are not told. */
  let untold: Report | undefined;

  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    if (block.rows > 0) {
      const full = block;
      const token = batchToken(boot, batches++);
      block = new RowBlock();
      packing = packing.then(async () => sender.push(await packBatch(token, full)));
    }
    await packing;
  };

  const tell = async (report: Report, told: Told): Promise<void> => {
    const context = { scope: settings.scope, boot };
    let looked = 0;
    for (const telling of tellings(report.raw, ledger, told)) {
      appendRow(block, context, report.raw, telling);
      if (block.rows >= settings.batchRows) await flush();
      if (++looked % SLICE_ROWS === 0) await turn();
    }
  };

  return {
    name: "clickhouse",
    encoding: null,
    get status(): StoreStatus {
      return sender.status;
    },
    async deliver({ report }): Promise<void> {
      resumed ??= sender.resume();
      await resumed;
      const endMs = report.raw.window.endMs;
      const withLiving = endMs >= nextRoundMs;
      if (withLiving) nextRoundMs = endMs + settings.intervalMs;
      await tell(report, withLiving ? "all" : "ended");
      untold = withLiving ? undefined : report;
      if (block.rows > 0) timer ??= setTimeout(() => void flush(), batchMs).unref();
    },
    async close(): Promise<void> {
      if (untold !== undefined) await tell(untold, "living");
      await flush();
      await sender.close(CLOSE_MS);
      const open = await store?.catch(() => undefined);
      await open?.client.close();
    },
  };
}

/** Opens the store and sees to its tables. */
async function prepare(settings: ClickhouseSinkOptions): Promise<OpenStore> {
  const store = await openStore(settings.url, settings);
  try {
    if (settings.migrate ?? store.embedded) await migrate(store);
    else await checkSchema(store);
    return store;
  } catch (error) {
    await store.client.close();
    throw error;
  }
}
