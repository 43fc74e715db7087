/** What stands above a table: whose report it is, what state each part is in, what is missing and what would help. */
import { CONFIDENCE, CONNECTION_STATE, type ConnectionColumns, type HealthState, printable } from "@conntrail/model";
import { formatDuration } from "./durations.ts";
import type { HealthJson } from "./json-shape.ts";
import type { Paint } from "./paint.ts";
import type { RawReport } from "./raw-report.ts";
import { viewReport } from "./report.ts";
import { fold } from "./text-cell.ts";

/** Lines of the header, without newlines. */
export function tableHeader(raw: RawReport, paint: Paint, width?: number): string[] {
  const { sequence, host, window, health } = viewReport(raw);
  const lasts = formatDuration(raw.window.endMs - raw.window.startMs);
  const title = `Report ${sequence} of ${printable(host.name)}, ${window.end ?? "time unknown"}, window ${lasts}`;
  return [
    ...fold(title, width, 2).map((line) => paint("bold", line)),
    ...healthLines(health, paint, width),
    ...fold(totals(raw.columns), width, 2),
  ];
}

function healthLines({ conntrack, sockets, names, merge, trace }: HealthJson, paint: Paint, width?: number): string[] {
  const line = (part: string, state: HealthState, reason: string | null, facts: readonly string[]): string[] => {
    const why = reason === null ? facts : [reason, ...facts];
    const [first, ...more] = fold(`${part.padEnd(9)}  ${state.padEnd(8)}  ${why.join(", ")}`, width, INDENT);
    return [first!.replace(state, paint(COLOR[state], state)), ...more];
  };
  const advice = (text: string | null): string[] =>
    text === null ? [] : fold(`${" ".repeat(INDENT)}${printable(text)}`, width, INDENT);
  const counted = (count: number, what: string): string[] => (count === 0 ? [] : [`${count} ${what}`]);
  return [
    ...line("conntrack", conntrack.state, conntrack.reason, [
      `${conntrack.flows} flows`,
      `${conntrack.events} events`,
      conntrack.lost === null ? "loss not known" : `${conntrack.lost} lost`,
      ...counted(conntrack.overruns, "overruns"),
      ...counted(conntrack.evicted, "evicted"),
      ...counted(conntrack.undecodable, "undecodable"),
      conntrack.completeSince === null ? "not complete" : `complete since ${conntrack.completeSince}`,
    ]),
    ...advice(conntrack.advice),
    ...line("sockets", sockets.state, sockets.reason, [
      `${sockets.sockets} sockets`,
      `${sockets.attributed} with their process`,
      ...counted(sockets.undecodable, "undecodable"),
      sockets.ageMs === null ? "not read yet" : `${formatDuration(sockets.ageMs)} old`,
    ]),
    ...advice(sockets.advice),
    // Only when somebody can do something about it.
    ...(trace.state === "ok" || trace.advice === null
      ? []
      : [
          ...line("trace", trace.state, trace.reason, [`${trace.events} events`, `${trace.lost} lost`]),
          ...advice(trace.advice),
        ]),
    ...line("names", names.state, names.reason, [
      `${names.cached} known`,
      `${names.pending} asked for`,
      ...counted(names.dropped, "dropped"),
    ]),
    ...(merge.aggregated + merge.dropped === 0
      ? []
      : line("merge", merge.dropped === 0 ? "ok" : "degraded", null, [
          `${merge.aggregated} aggregated`,
          `${merge.dropped} dropped`,
        ])),
  ];
}

/** Where the facts of a part begin. */
const INDENT = 21;

const COLOR = { ok: "green", degraded: "yellow", off: "red" } as const;

/** `4 connections: 3 established, 1 closed; 1 of unknown direction`. */
function totals(columns: ConnectionColumns): string {
  const byState = new Array<number>(CONNECTION_STATE.length).fill(0);
  let all = 0;
  let undirected = 0;
  for (let row = 0; row < columns.length; row++) {
    const count = columns.count[row]!;
    all += count;
    byState[columns.state[row]!]! += count;
    if (CONFIDENCE[columns.confidence[row]!] === "none") undirected += count;
  }
  const states = CONNECTION_STATE.flatMap((state, i) => (byState[i] === 0 ? [] : [`${byState[i]} ${state}`]));
  const direction = undirected === 0 ? "" : `; ${undirected} of unknown direction`;
  const rows = columns.length === all ? "" : ` in ${columns.length} rows`;
  return `${all} ${all === 1 ? "connection" : "connections"}${rows}${all === 0 ? "" : `: ${states.join(", ")}`}${direction}`;
}
