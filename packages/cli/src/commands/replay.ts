/** `conntrail replay`: the reports of a capture. */
import { isCaptureError, type ParseError } from "@conntrail/capture";
import { viewReport } from "@conntrail/report";
import { type ReplayOptions, type ReplaySummary, type ReplayTime, replayReports } from "@conntrail/reporter";
import { defaultFormat, formatReport, type ReplayFormat } from "../formats.ts";
import { writeOut } from "../output.ts";
import { stopSignal } from "../stop-signal.ts";

/** What commander parses for it. */
export interface ReplayCommandOptions {
  readonly speed: number | "max";
  readonly interval?: number;
  readonly from?: ReplayTime;
  readonly to?: ReplayTime;
  readonly format?: ReplayFormat;
  readonly limit?: number;
}

const CLEAR_SCREEN = "\u001b[H\u001b[2J";

/** Prints one report of the whole; as ndjson, and as tables that were asked for at an interval or a speed, every report. */
export async function runReplay(file: string, options: ReplayCommandOptions): Promise<void> {
  const { speed, interval, from, to, limit } = options;
  const format = options.format ?? defaultFormat("json");
  const live = format === "table" && (interval !== undefined || speed !== "max");
  const reports = format === "ndjson" || live ? interval : "end";
  const problems: ParseError[] = [];
  const replayOptions: ReplayOptions = {
    speed,
    signal: stopSignal(),
    onProblem: (problem) => void (problems.length === 0 && problems.push(problem)),
    onEnd: (summary) => tellLeftOut(file, summary, problems[0]),
    ...(reports === undefined ? {} : { reports }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
  try {
    for await (const content of replayReports(file, replayOptions)) {
      if (live && process.stdout.isTTY) await writeOut(CLEAR_SCREEN);
      await writeOut(formatReport(viewReport(content), format, limit));
    }
  } catch (error) {
    if (!isCaptureError(error)) throw error;
    const { packets, sidecars } = error.counts;
    const before = packets + sidecars === 0 ? "" : `; replayed what was before it: ${packets} messages`;
    throw new Error(`${file}: ${error.message}${before}`);
  }
}

/** Nothing is left out in silence. */
function tellLeftOut(file: string, summary: ReplaySummary, problem: ParseError | undefined): void {
  const { counts, undecodable, badTimes, brokenScans } = summary;
  const amounts: [number, string][] = [
    [counts.badLines, `lines could not be read${problem === undefined ? "" : `, the first: ${problem.message}`}`],
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
