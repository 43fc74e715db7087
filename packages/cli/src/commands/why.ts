/** `conntrail why`: the facts that made a row, live (what a few seconds of recording hold) or from a recording. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type AskedEnd, createReporter, type Explained, explainRecording } from "@conntrail/reporter";
import { type CollectionOptions, reporterOptions } from "../collection-options.ts";
import { whyText } from "../encode-why.ts";
import { writeOut } from "../output.ts";
import { showProgress } from "../progress.ts";
import { stopSignal } from "../stop-signal.ts";
import { terminal } from "../terminal.ts";

/** What commander parses for it. */
export interface WhyCommandOptions extends CollectionOptions {
  readonly replay?: string;
  readonly window: number;
  readonly limit: number;
  readonly format?: "text" | "json";
}

/** Sources are heard by then, or are told as missing. */
const READY_DEADLINE_MS = 20_000;
const INTERVAL_MS = 500;

/** Prints the answer. Nothing found is one line on standard error, with what may help, and code 1. */
export async function runWhy(from: AskedEnd, to: AskedEnd | undefined, options: WhyCommandOptions): Promise<void> {
  const asked = { from, limit: options.limit, ...(to !== undefined && { to }) };
  const explained =
    options.replay === undefined
      ? await explainLive(options, (path) => explainRecording(path, { ...asked, isPassing: true }))
      : await explainRecording(options.replay, asked);
  if (explained.found === 0) {
    const where = options.replay ?? `${options.window / 1000} s of watching`;
    throw new Error(`no connection of these ends in ${where}; 'conntrail report --each' lists what there is`);
  }
  if (options.format === "json") {
    await writeOut(`${JSON.stringify({ schema: "conntrail.why/1", ...explained })}\n`);
  } else await writeOut(whyText(explained, terminal()));
}

/** Records the window into a file of our own, which is gone afterwards. */
async function explainLive(
  options: WhyCommandOptions,
  explain: (path: string) => Promise<Explained>,
): Promise<Explained> {
  const stop = stopSignal();
  const folder = await mkdtemp(join(tmpdir(), "conntrail-why-"));
  const path = join(folder, "window.pcapng");
  const hide = showProgress(`Watching connections for ${options.window / 1000} s; Ctrl-C explains at once.`);
  try {
    const reporter = createReporter({ ...reporterOptions(options), intervalMs: INTERVAL_MS, record: { path } });
    const drained = (async (): Promise<void> => {
      for await (const _ of reporter);
    })();
    const stopped = new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve()));
    await Promise.race([reporter.ready, sleep(READY_DEADLINE_MS, undefined, { ref: false }), stopped]);
    await Promise.race([sleep(options.window, undefined, { ref: false }), stopped]);
    await reporter.close();
    await drained;
    return await explain(path);
  } finally {
    hide();
    await rm(folder, { recursive: true, force: true });
  }
}
