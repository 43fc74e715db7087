/** `conntrail replay`: the reports of a capture. */
import { isCaptureError, type ParseError } from "@conntrail/capture";
import type { Report } from "@conntrail/report";
import { type ReplayOptions, type ReplaySummary, type ReplayTime, replayReports } from "@conntrail/reporter";
import { defaultFormat, formatAnswer, type ReplayFormat } from "../formats.ts";
import { writeOut } from "../output.ts";
import { askedQuestion } from "../question.ts";
import type { QuestionOptions } from "../question-options.ts";
import { redraw, screenLines } from "../screen.ts";
import { stopSignal } from "../stop-signal.ts";

/** What commander parses for it. */
export interface ReplayCommandOptions extends QuestionOptions {
  readonly speed: number | "max";
  readonly interval?: number;
  readonly since?: ReplayTime;
  readonly until?: ReplayTime;
  readonly format?: ReplayFormat;
}

/** Prints one report of the whole; as ndjson, and as tables that were asked for at an interval or a speed, every report. */
export async function runReplay(files: readonly string[], options: ReplayCommandOptions): Promise<void> {
  const { speed, interval, since, until } = options;
  const format = options.format ?? defaultFormat("json");
  const live = format === "table" && (interval !== undefined || speed !== "max");
  const question = askedQuestion(options, format, format === "table" && !live);
  const reports = format === "ndjson" || live ? interval : "end";
  const paths = files.map((name) => (name === "-" ? "/dev/stdin" : name));
  const file = files.length === 1 ? files[0]! : `${files[0]} and ${files.length - 1} more`;
  const problems: ParseError[] = [];
  const replayOptions: ReplayOptions = {
    speed,
    signal: stopSignal(),
    onProblem: (problem) => void (problems.length === 0 && problems.push(problem)),
    onEnd: (summary) => tellLeftOut(file, summary, problems[0]),
    ...(reports === undefined ? {} : { reports }),
    ...(since === undefined ? {} : { from: since }),
    ...(until === undefined ? {} : { to: until }),
  };
  try {
    for await (const report of replayReports(paths, replayOptions)) {
      tellOutside(file, report, options);
      if (live && process.stdout.isTTY) {
        await redraw(Buffer.from(formatAnswer(report, format, question, screenLines())).toString());
      } else await writeOut(formatAnswer(report, format, question));
    }
  } catch (error) {
    if (!isCaptureError(error)) throw error;
    const { packets, sidecars } = error.counts;
    const before = packets + sidecars === 0 ? "" : `; replayed what was before it: ${packets} messages`;
    throw new Error(`${file}: ${error.message}${before}`);
  }
}

/** A stretch of time that the recording does not have gives a report of no time at all. */
function tellOutside(file: string, { raw, window }: Report, { since, until }: ReplayCommandOptions): void {
  if ((since === undefined && until === undefined) || raw.window.endMs > raw.window.startMs) return;
  process.stderr.write(`conntrail: ${file}: nothing was recorded in that time; it ends, or begins, at ${window.end}\n`);
}

/** Nothing is left out in silence. */
function tellLeftOut(file: string, summary: ReplaySummary, problem: ParseError | undefined): void {
  const { counts, undecodable, badTimes, brokenScans } = summary;
  const amounts: [number, string][] = [
    [
      counts.badLines,
      `${counts.badLines === 1 ? "line" : "lines"} could not be read${problem === undefined ? "" : `, the first: ${problem.message}`}`,
    ],
    [counts.badPackets, "packets are no netlink messages"],
    [counts.foreignPackets, "packets are of another link type"],
    [counts.foreignOrder, "messages of sock_diag are in the other byte order"],
    [counts.badSidecars, "records beside the packets could not be read"],
    [counts.unknownSidecars, "records beside the packets are of a newer version"],
    [undecodable, "messages could not be understood"],
    [badTimes, "records have a time that cannot be"],
    [brokenScans, "scans of the sockets are incomplete"],
  ];
  for (const [amount, what] of amounts) {
    if (amount > 0) process.stderr.write(`conntrail: ${file}: ${amount} ${what}\n`);
  }
  if (counts.packets + counts.sidecars === 0) {
    process.stderr.write(`conntrail: ${file}: there is no message of conntrack in it\n`);
  }
}
