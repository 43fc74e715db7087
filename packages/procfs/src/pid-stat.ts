/** /proc/PID/stat: proc_pid_stat(5). */
import { ParseError } from "./errors.ts";
import { readText } from "./read-file.ts";

/** What conntrail needs of a process's status. */
export interface PidStat {
  readonly pid: number;
  /** Field 2 without its parentheses; may itself hold parentheses, spaces and line breaks. */
  readonly comm: string;
  /** Field 3: `R`, `S`, `Z` (zombie) … */
  readonly state: string;
  readonly ppid: number;
  /** Field 22: clock ticks after boot. With the pid it is the process's identity. */
  readonly startTicks: number;
}

/** Reads /proc/PID/stat; `undefined` when the process is gone. Throws OpError, ParseError. */
export function readPidStat(root: string, pid: number): PidStat | undefined {
  const text = readText(`${root}/${pid}/stat`);
  return text === undefined || text === "" ? undefined : parsePidStat(text);
}

/** Parses /proc/PID/stat. Throws ParseError. */
export function parsePidStat(text: string): PidStat {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) throw new ParseError("bad-text", "PID/stat", "comm", text);
  // Field 3 is at index 0: what stands before it may hold spaces.
  const fields = text
    .slice(close + 2)
    .trimEnd()
    .split(" ");
  if (fields.length < 20) throw new ParseError("truncated", "PID/stat", "starttime", text);
  return {
    pid: parseField("pid", text.slice(0, open).trim()),
    comm: text.slice(open + 1, close),
    state: fields[0]!,
    ppid: parseField("ppid", fields[1]!),
    startTicks: parseField("starttime", fields[19]!),
  };
}

function parseField(column: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new ParseError("bad-number", "PID/stat", column, text);
  return Number(text);
}
