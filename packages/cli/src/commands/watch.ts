/** `conntrail watch`: a report at every interval until a signal, or until `--count` reports. */
import { JsonLines, type Report, Selection } from "@conntrail/report";
import { createReporter, type Sink, scopeApp } from "@conntrail/reporter";
import { type CollectionOptions, reporterOptions } from "../collection-options.ts";
import { defaultFormat, formatAnswer, type StreamFormat } from "../formats.ts";
import { writeOut } from "../output.ts";
import { answer, askedQuestion, type Question } from "../question.ts";
import type { QuestionOptions } from "../question-options.ts";
import { redraw, screenLines } from "../screen.ts";
import { stopSignal } from "../stop-signal.ts";
import { type StoreSinkOptions, storeSinks } from "../store-sinks.ts";
import { watchChanges } from "./watch-changes.ts";

/** What commander parses for it. */
export interface WatchCommandOptions extends CollectionOptions, QuestionOptions, StoreSinkOptions {
  readonly interval: number;
  readonly format?: StreamFormat;
  readonly count?: number;
  readonly changes?: boolean;
  readonly publish?: string;
  readonly publishHeader?: readonly (readonly [string, string])[];
}

/** Prints reports as they come. The last one, after a signal, holds what happened since the one before. */
export async function runWatch(options: WatchCommandOptions): Promise<void> {
  const format = options.format ?? defaultFormat("ndjson");
  const question = askedQuestion(options, options.changes === true ? "ndjson" : format, false);
  if (options.changes === true) {
    refuseBesideChanges(options);
    const { filter, select } = question;
    const asked = { ...reporterOptions(options), ...(filter && { filter: filter.text }) };
    await watchChanges(asked, select && new Selection(select), options.count);
    return;
  }
  const sinks = await storeSinks(options);
  if (options.publish !== undefined) sinks.push(publisher(options.publish, options.publishHeader));
  const reporter = createReporter({ ...reporterOptions(options), intervalMs: options.interval, sinks });
  stopSignal().addEventListener("abort", () => void reporter.close());
  // What has not changed since the report before costs a copy.
  const { limit, sort, grouping } = question;
  const lines = format === "ndjson" && grouping === undefined && new JsonLines({ limit, sorted: sort !== undefined });
  let left = options.count ?? Number.POSITIVE_INFINITY;
  let patientMs: number | undefined;
  try {
    for await (const report of reporter) {
      // Whoever counts wants reports with content: one from before all sources were heard is neither told nor counted.
      patientMs ??= performance.now() + READY_DEADLINE_MS;
      if (options.count !== undefined && isStarting(report) && performance.now() < patientMs) continue;
      if (lines) await writeOut(lines.encode(answer(report, question)));
      else await print(report, format, question);
      if (--left === 0) break;
    }
  } finally {
    await reporter.close();
  }
}

/** A source that is not heard so long after the first report is told as missing. */
const READY_DEADLINE_MS = 20_000;

function isStarting({ health: { conntrack, sockets } }: Report): boolean {
  return conntrack.reason === "starting" || sockets.reason === "starting";
}

/** Throws RangeError, an error of usage, for what says how reports look or where they go: there are none. */
function refuseBesideChanges(options: WatchCommandOptions): void {
  const { format, sort, by, each, columns, limit, publish, clickhouse, otlp } = options;
  const said = { format: format === "table" || undefined, sort, by, each, columns, limit, publish, clickhouse, otlp };
  for (const [name, value] of Object.entries(said)) {
    if (value !== undefined) throw new RangeError(`--changes prints no reports: --${name} says nothing about it`);
  }
}

function publisher(url: string, headers: readonly (readonly [string, string])[] = []): Sink {
  return scopeApp(url, {
    headers: Object.fromEntries(headers),
    onOutage: (message) => process.stderr.write(`conntrail: ${message}\n`),
  });
}

async function print(report: Report, format: StreamFormat, question: Question): Promise<void> {
  if (format === "table" && process.stdout.isTTY) {
    await redraw(Buffer.from(formatAnswer(report, format, question, screenLines())).toString());
  } else await writeOut(formatAnswer(report, format, question));
}
