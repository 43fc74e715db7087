/**
 * A sink for OpenTelemetry: edges as metrics (OTLP over HTTP, cumulative sums without client ports) and ended connections as log events, by the
 * official exporters. It has the shape of the reporter's `Sink`.
 */
import type { Connection, Report } from "@conntrail/report";
import { ConnectionLedger, DEFAULT_LEDGER_SIZE } from "../connection-ledger.ts";
import { type Telling, tellings } from "../tellings.ts";
import {
  connectionAttributes,
  EVENT_NAME,
  edgeAttributes,
  ioDirection,
  METRICS,
  resourceAttributes,
} from "./conventions.ts";
import { type Counter, loadOpenTelemetry, type OpenTelemetry } from "./load-opentelemetry.ts";

/** Options of `otlp()`. */
export interface OtlpSinkOptions {
  /** The receiver's base address, as in OTEL_EXPORTER_OTLP_ENDPOINT: `http://collector:4318`. */
  readonly url: string;
  /** Headers of every request, for receivers that want a token. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How often metrics are exported and living connections counted, milliseconds. Default 60,000. */
  readonly intervalMs?: number;
  /** Send ended connections as log events. Default true. */
  readonly logs?: boolean;
  /** Series of one metric at the most; further ones are summed in an overflow series by the SDK. Default 10,000. */
  readonly maxSeries?: number;
  /** Living connections that are remembered as counted. Default 262,144. */
  readonly maxConnections?: number;
}

/** The sink. `close()` exports what is left. */
export interface OtlpSink {
  readonly name: "otlp";
  readonly encoding: null;
  deliver(delivery: { readonly report: Report }, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

const DEFAULTS = { intervalMs: 60_000, logs: true, maxSeries: 10_000, maxConnections: DEFAULT_LEDGER_SIZE } as const;

/** Log records that may wait in the SDK's queue: it drops what does not fit, so it is emptied before it is full. */
const LOG_QUEUE = 8192;

/** Makes the sink. Throws when OpenTelemetry's packages are not installed. */
export function otlp(options: OtlpSinkOptions): OtlpSink {
  const settings = { ...DEFAULTS, ...options };
  if (!URL.canParse(settings.url)) throw new RangeError(`otlp: url: expected http://host:4318, got "${settings.url}"`);
  const telemetry = loadOpenTelemetry();
  const ledger = new ConnectionLedger(settings.maxConnections);
  let open: Exporters | undefined;
  let nextRoundMs = 0;
  /** The last report, while its living connections are not counted. */
  let untold: Report | undefined;

  return {
    name: "otlp",
    encoding: null,
    async deliver({ report }): Promise<void> {
      open ??= openExporters(telemetry, settings, report);
      const { endMs } = report.raw.window;
      const withLiving = endMs >= nextRoundMs;
      if (withLiving) nextRoundMs = endMs + settings.intervalMs;
      untold = withLiving ? undefined : report;
      let queued = 0;
      for (const telling of tellings(report.raw, ledger, withLiving ? "all" : "ended")) {
        const connection = report.connection(telling.row);
        count(open, connection, telling);
        if (!settings.logs || telling.event === "live") continue;
        open.emit(logRecord(connection, telling));
        if (++queued % (LOG_QUEUE / 2) === 0) await open.flushLogs();
      }
    },
    async close(): Promise<void> {
      if (open !== undefined && untold !== undefined) {
        for (const telling of tellings(untold.raw, ledger, "living")) {
          count(open, untold.connection(telling.row), telling);
        }
      }
      await open?.shutdown();
    },
  };
}

interface Exporters {
  readonly counters: Readonly<Record<keyof typeof METRICS, Counter>>;
  readonly emit: (record: object) => void;
  readonly flushLogs: () => Promise<void>;
  readonly shutdown: () => Promise<void>;
}

function openExporters(
  { metrics, logs, resources, metricExporter, logExporter }: OpenTelemetry,
  settings: OtlpSinkOptions & { readonly intervalMs: number; readonly maxSeries: number },
  report: Report,
): Exporters {
  const resource = resources.resourceFromAttributes(resourceAttributes(report.host));
  const to = (path: string): object => ({
    url: new URL(path, settings.url.endsWith("/") ? settings.url : `${settings.url}/`).href,
    headers: settings.headers ?? {},
  });
  const reader = new metrics.PeriodicExportingMetricReader({
    exporter: new metricExporter.OTLPMetricExporter(to("v1/metrics")),
    exportIntervalMillis: settings.intervalMs,
    exportTimeoutMillis: Math.min(settings.intervalMs, 10_000),
  });
  const views = [{ instrumentName: "*", aggregationCardinalityLimit: settings.maxSeries }];
  const meters = new metrics.MeterProvider({ resource, readers: [reader], views });
  const meter = meters.getMeter("conntrail");
  const counter = ({ name, ...described }: (typeof METRICS)[keyof typeof METRICS]): Counter =>
    meter.createCounter(name, described);
  const exporter = new logExporter.OTLPLogExporter(to("v1/logs"));
  const processor = new logs.BatchLogRecordProcessor({ exporter, maxQueueSize: LOG_QUEUE, maxExportBatchSize: 1024 });
  const loggers = new logs.LoggerProvider({ resource, processors: [processor] });
  const logger = loggers.getLogger("conntrail");
  return {
    counters: {
      opened: counter(METRICS.opened),
      closed: counter(METRICS.closed),
      failed: counter(METRICS.failed),
      io: counter(METRICS.io),
    },
    emit: (record) => logger.emit(record),
    flushLogs: () => loggers.forceFlush(),
    async shutdown(): Promise<void> {
      await Promise.allSettled([meters.forceFlush(), loggers.forceFlush()]);
      await Promise.allSettled([meters.shutdown(), loggers.shutdown()]);
    },
  };
}

/** Adds what is new of a connection to the sums of its edge. */
function count({ counters }: Exporters, connection: Connection, { event, news }: Telling): void {
  const edge = edgeAttributes(connection);
  if (news.isNew) counters.opened.add(connection.count, edge);
  if (event === "closed") counters.closed.add(connection.count, edge);
  if (event === "failed") counters.failed.add(connection.count, edge);
  for (const [bytes, byOpener] of [
    [news.fromBytes, true],
    [news.toBytes, false],
  ] as const) {
    // OpenTelemetry counts in doubles: beyond 2^53 the nearest.
    if (bytes > 0)
      counters.io.add(Number(bytes), { ...edge, "network.io.direction": ioDirection(connection, byOpener) });
  }
}

function logRecord(connection: Connection, { event }: Telling): object {
  return {
    eventName: EVENT_NAME,
    timestamp: new Date(connection.lastSeenMs),
    severityNumber: event === "failed" ? SEVERITY.warn : SEVERITY.info,
    severityText: event === "failed" ? "WARN" : "INFO",
    attributes: connectionAttributes(connection, event),
  };
}

/** SeverityNumber of the log data model. */
const SEVERITY = { info: 9, warn: 13 } as const;
