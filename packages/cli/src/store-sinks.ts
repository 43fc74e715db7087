/** The sinks of `watch` beyond this host: ClickHouse and OpenTelemetry. What becomes of them is told on standard error, at each change. */
import type { Sink } from "@conntrail/reporter";
import { loadOtlp, loadStore } from "./store-package.ts";

/** What commander parses for them. */
export interface StoreSinkOptions {
  readonly clickhouse?: string;
  readonly clickhouseSpool?: string;
  readonly clickhouseScope?: string;
  readonly clickhouseInterval?: number;
  readonly otlp?: string;
}

/** The sinks that were asked for. */
export async function storeSinks(options: StoreSinkOptions): Promise<Sink[]> {
  const sinks: Sink[] = [];
  if (options.clickhouse !== undefined) {
    const { clickhouse } = await loadStore();
    sinks.push(
      clickhouse({
        url: options.clickhouse,
        ...(options.clickhouseSpool !== undefined && { spool: options.clickhouseSpool }),
        ...(options.clickhouseScope !== undefined && { scope: options.clickhouseScope }),
        ...(options.clickhouseInterval !== undefined && { intervalMs: options.clickhouseInterval }),
        onStatus: ({ state, error, waitingRows, lostRows }) => {
          if (state === "closed" && waitingRows + lostRows === 0) return;
          const rows = `${waitingRows} rows wait, ${lostRows} are lost`;
          process.stderr.write(`conntrail: clickhouse ${state}${error ? `, ${error.message}` : ""}; ${rows}\n`);
        },
      }),
    );
  }
  if (options.otlp !== undefined) sinks.push((await loadOtlp()).otlp({ url: options.otlp }));
  return sinks;
}
