/** `replay()`: the reports of a capture, in virtual time. */
import type { CaptureInput, CaptureReader } from "@conntrail/capture";
import type { ReportContent } from "@conntrail/model";
import { type Report, viewReport } from "@conntrail/report";
import { Observable } from "rxjs";
import type { InputTap } from "./input-tap.ts";
import { Pace } from "./pace.ts";
import { type ReplayOptions, replaySettings } from "./replay-options.ts";
import type { ReplaySession } from "./replay-session.ts";

/**
 * The reports of a capture: of our own recordings, plain pcap of LINKTYPE_NETLINK, or conntrack's text. The same file and options give the
 * same reports, byte for byte, whenever and wherever. Reading begins with the subscription; each has its own.
 *
 * Completes after the last report. Errors with CaptureError for a bad file, after a last report of what could be read of it, and with
 * OpError when it cannot be read at all. Unsubscribing closes the file. A slow subscriber delays the reading. Throws RangeError for options
 * that cannot work.
 */
export function replay(input: CaptureInput, options: ReplayOptions = {}): Observable<Report> {
  replaySettings(options);
  return new Observable((subscriber) => {
    const ended = new AbortController();
    const signal = options.signal === undefined ? ended.signal : AbortSignal.any([options.signal, ended.signal]);
    const run = async (): Promise<void> => {
      for await (const report of replayReports(input, { ...options, signal })) {
        if (subscriber.closed) return;
        subscriber.next(report);
      }
    };
    run().then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error),
    );
    return () => ended.abort();
  });
}

/** The same as an iteration: nothing is read ahead of its consumer. */
export async function* replayReports(
  input: CaptureInput,
  options: ReplayOptions = {},
): AsyncGenerator<Report, void, undefined> {
  for await (const content of replayContents(input, options)) yield viewReport(content);
}

/** The same for one who only looks at what goes into the pipeline. */
export async function replayTapped(input: CaptureInput, options: ReplayOptions, tap: InputTap): Promise<void> {
  for await (const _ of replayContents(input, options, tap));
}

async function* replayContents(
  input: CaptureInput,
  options: ReplayOptions,
  tap?: InputTap,
): AsyncGenerator<ReportContent, void, undefined> {
  const settings = replaySettings(options);
  // Loaded when it is needed: a program that only watches has no use for the stages in its own thread.
  const { isCaptureError, readCapture } = await import("@conntrail/capture");
  const { ReplaySession } = await import("./replay-session.ts");
  const { signal = new AbortController().signal, onProblem, onEnd } = options;
  const reader = readCapture(input, { signal, ...(onProblem === undefined ? {} : { onProblem }) });
  const session = new ReplaySession(reader, settings, tap);
  const pace = Number.isFinite(settings.speed) ? new Pace(settings.speed, signal) : undefined;
  const end: { failure?: unknown } = {};
  try {
    yield* drive(reader, session, pace, signal);
  } catch (error) {
    // What came before the bad place counts.
    if (!isCaptureError(error) || !session.begun) throw error;
    end.failure = error;
  }
  session.finish();
  onEnd?.(session.summary);
  yield* session.reports.splice(0);
  if (end.failure !== undefined) throw end.failure;
}

async function* drive(
  reader: CaptureReader,
  session: ReplaySession,
  pace: Pace | undefined,
  signal: AbortSignal,
): AsyncGenerator<ReportContent, void, undefined> {
  for await (const item of reader) {
    for (const momentMs of session.take(item, pace !== undefined)) {
      if (pace !== undefined) await pace.until(momentMs);
      if (session.reports.length > 0) yield* session.reports.splice(0);
      if (signal.aborted) return;
    }
    if (signal.aborted || session.done) return;
  }
}
