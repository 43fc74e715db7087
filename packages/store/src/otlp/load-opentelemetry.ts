/**
 * OpenTelemetry's own packages, which are not among the dependencies: looked for where this package and the program that runs it can see them. The line
 * that runs on Node 20 is 2.x of the SDK with 0.2xx of the exporters; 3.x wants Node 22.15.
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { Attributes } from "./conventions.ts";

/** A counter of the API. */
export interface Counter {
  add(value: number, attributes: Attributes): void;
}

/** What is used of the packages. */
export interface OpenTelemetry {
  readonly metrics: {
    readonly MeterProvider: new (
      options: object,
    ) => {
      getMeter(name: string): { createCounter(name: string, options: object): Counter };
      forceFlush(): Promise<void>;
      shutdown(): Promise<void>;
    };
    readonly PeriodicExportingMetricReader: new (options: object) => object;
  };
  readonly logs: {
    readonly LoggerProvider: new (
      options: object,
    ) => {
      getLogger(name: string): { emit(record: object): void };
      forceFlush(): Promise<void>;
      shutdown(): Promise<void>;
    };
    readonly BatchLogRecordProcessor: new (...options: readonly object[]) => object;
  };
  readonly resources: { readonly resourceFromAttributes: (attributes: Attributes) => object };
  readonly metricExporter: { readonly OTLPMetricExporter: new (options: object) => object };
  readonly logExporter: { readonly OTLPLogExporter: new (options: object) => object };
}

/** What to install. */
const PACKAGES = [
  "@opentelemetry/api@1.9",
  "@opentelemetry/resources@2.12.1",
  "@opentelemetry/sdk-metrics@2.12.1",
  "@opentelemetry/sdk-logs@0.223",
  "@opentelemetry/exporter-metrics-otlp-http@0.223",
  "@opentelemetry/exporter-logs-otlp-http@0.223",
] as const;

/** Loads them; throws an Error that says what to install when one is missing. */
export function loadOpenTelemetry(): OpenTelemetry {
  return {
    metrics: load("@opentelemetry/sdk-metrics") as OpenTelemetry["metrics"],
    logs: load("@opentelemetry/sdk-logs") as OpenTelemetry["logs"],
    resources: load("@opentelemetry/resources") as OpenTelemetry["resources"],
    metricExporter: load("@opentelemetry/exporter-metrics-otlp-http") as OpenTelemetry["metricExporter"],
    logExporter: load("@opentelemetry/exporter-logs-otlp-http") as OpenTelemetry["logExporter"],
  };
}

function load(name: string): unknown {
  for (const from of [import.meta.url, pathToFileURL(`${process.cwd()}/`).href]) {
    try {
      return createRequire(from)(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  throw new Error(`otlp: ${name} is not installed; npm install ${PACKAGES.join(" ")}`);
}
