/** `conntrail report`: looks for a while, prints one report, ends. */
import { setTimeout as sleep } from "node:timers/promises";
import { printable } from "@conntrail/model";
import { createReporter } from "@conntrail/reporter";
import { type CollectionOptions, reporterOptions } from "../collection-options.ts";
import { emptyAnswer } from "../empty-answer.ts";
import { defaultFormat, formatAnswer, type ReportFormat } from "../formats.ts";
import { writeOut } from "../output.ts";
import { showProgress } from "../progress.ts";
import { answer, askedQuestion } from "../question.ts";
import type { QuestionOptions } from "../question-options.ts";
import { stopSignal } from "../stop-signal.ts";

/** What commander parses for it. */
export interface ReportCommandOptions extends CollectionOptions, QuestionOptions {
  readonly window: number;
  readonly format?: ReportFormat;
}

/** The window begins when all sources have been heard, or after this long. */
const READY_DEADLINE_MS = 20_000;

/** Short windows are scanned once in them, and no more often. */
const SHORTEST_SCAN_INTERVAL_MS = 100;

/** Prints one report of `window` milliseconds; a signal prints it at once. */
export async function runReport(options: ReportCommandOptions): Promise<void> {
  const format = options.format ?? defaultFormat("json");
  const question = askedQuestion(options, format, format === "table");
  const stop = stopSignal();
  const reporter = createReporter({
    scanIntervalMs: Math.min(1000, Math.max(SHORTEST_SCAN_INTERVAL_MS, options.window)),
    ...reporterOptions(options),
    intervalMs: 0,
  });
  const hide = showProgress(`Watching connections for ${options.window / 1000} s; Ctrl-C reports at once.`);
  try {
    const stopped = new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve()));
    await Promise.race([reporter.ready, sleep(READY_DEADLINE_MS, undefined, { ref: false }), stopped]);
    await Promise.race([sleep(options.window, undefined, { ref: false }), stopped]);
    const report = await reporter.report();
    hide();
    await writeOut(formatAnswer(report, format, question));
    const empty = await emptyAnswer(report, answer(report, question).length, options);
    if (empty === undefined) return;
    const lines = `${empty.map(printable).join("\n")}\n`;
    if (format === "table") await writeOut(lines);
    else process.stderr.write(lines);
  } finally {
    hide();
    await reporter.close();
  }
}
