/** A sink: where reports go. It is fed one report at a time, in order; what it cannot keep up with is dropped and counted. */
import type { Report } from "@conntrail/report";

/** Report formats that can be encoded off the host thread. */
export const REPORT_FORMATS = ["json", "scope", "table", "dot"] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** Bytes that a sink wants instead of a report. They are made in the pipeline worker and transferred. */
export interface SinkEncoding {
  readonly format: ReportFormat;
  readonly gzip: boolean;
}

/** What a sink is given: the report, and its bytes when the sink asked for an encoding. The bytes are the sink's to keep. */
export interface Delivery {
  readonly report: Report;
  readonly bytes: Uint8Array | undefined;
}

/**
 * A place for reports. `deliver` may take its time: while it runs, up to `SINK_QUEUE` further reports wait, and the
 * oldest waiting one is dropped when another comes. A rejected promise counts as a failure and loses that report only.
 */
export interface Sink {
  /** The value of the `sink` label in metrics. */
  readonly name: string;
  readonly encoding: SinkEncoding | null;
  deliver(delivery: Delivery, signal: AbortSignal): Promise<void> | void;
  /** Called once, after the last delivery. */
  close?(): Promise<void> | void;
}

/** Reports that may wait for a slow sink. */
export const SINK_QUEUE = 4;
