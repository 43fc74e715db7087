/** `conntrail record`: the live pipeline, and everything that it takes in into a file. */
import { setTimeout as sleep } from "node:timers/promises";
import { createReporter, type RecordProgress } from "@conntrail/reporter";
import { type CollectionOptions, reporterOptions } from "../collection-options.ts";
import { stopSignal } from "../stop-signal.ts";
import { formatSize } from "../units.ts";

/** What commander parses for it. */
export interface RecordCommandOptions extends CollectionOptions {
  readonly interval: number;
  readonly compress?: boolean;
  readonly rotateSize?: number;
  readonly rotateTime?: number;
  readonly duration?: number;
}

/** Records until `duration` is over or a signal comes. Fails when the file cannot be created or written. */
export async function runRecord(file: string, options: RecordCommandOptions): Promise<void> {
  const stop = stopSignal();
  let progress: RecordProgress | undefined;
  const reporter = createReporter({
    ...reporterOptions(options),
    intervalMs: options.interval,
    record: {
      path: file,
      compress: options.compress ?? file.endsWith(".gz"),
      ...(options.rotateSize === undefined ? {} : { rotateBytes: options.rotateSize }),
      ...(options.rotateTime === undefined ? {} : { rotateMs: options.rotateTime }),
      onProgress: (now) => {
        progress = now;
        showLine(`Recording to ${file}: ${amounts(now)}; Ctrl-C ends.`);
        if (now.failure !== null) void reporter.close();
      },
    },
  });
  const finish = (): void => void reporter.close();
  stop.addEventListener("abort", finish);
  const over = new AbortController();
  const { duration } = options;
  if (duration !== undefined) {
    void reporter.ready.then(() => sleep(duration, undefined, over)).then(finish, () => {});
  }
  let advice: string | null = null;
  try {
    for await (const { health } of reporter) {
      advice = health.conntrack.state === "off" && options.conntrack ? health.conntrack.advice : null;
    }
  } finally {
    over.abort();
    await reporter.close();
    hideLine();
  }
  tell(file, progress, advice);
}

/** What whoever recorded must know; at a terminal also what all is well with. */
function tell(file: string, progress: RecordProgress | undefined, advice: string | null): void {
  if (progress === undefined) return;
  if (progress.failure !== null) throw new Error(`${file}: ${progress.failure}; until then: ${amounts(progress)}`);
  if (advice !== null) process.stderr.write(`conntrail: conntrack is not in the recording: ${advice}\n`);
  if (progress.dropped > 0 || process.stderr.isTTY) {
    process.stderr.write(`conntrail: recorded to ${file}: ${amounts(progress)}\n`);
  }
}

function amounts({ packets, records, dropped, files, bytes }: RecordProgress): string {
  const lost = dropped > 0 ? `, ${dropped} dropped` : "";
  return `${packets} messages, ${records} records${lost}, ${formatSize(bytes)}${files > 1 ? ` in ${files} files` : ""}`;
}

const CLEAR_LINE = "\r\u001b[K";

function showLine(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(CLEAR_LINE + text);
}

function hideLine(): void {
  if (process.stderr.isTTY) process.stderr.write(CLEAR_LINE);
}
