/** /proc/net/stat/nf_conntrack: a heading and one line of hexadecimal counters per CPU (`ct_cpu_seq_show`, the kernel's net/netfilter/nf_conntrack_standalone.c). */
import { ParseError } from "./errors.ts";
import type { Process } from "./pids.ts";
import { readText } from "./read-file.ts";

/** Connection tracking's counters, summed over the CPUs. A counter that this kernel does not have is 0. */
export interface ConntrackStat {
  /** Connections in the table now; not a sum. */
  readonly entries: number;
  /** Packets for which no connection could be made out. */
  readonly invalid: number;
  /** Connections that could not be inserted. */
  readonly insertFailed: number;
  /** Packets dropped because no connection could be allocated: the table was full. */
  readonly drop: number;
  /** Connections pushed out to make room. */
  readonly earlyDrop: number;
  /** Lookups begun anew because the table was being resized. */
  readonly searchRestart: number;
}

const FILE = "net/stat/nf_conntrack";

/** Reads the counters of a process's network namespace; `undefined` when the kernel does not track. Throws OpError, ParseError. */
export function readConntrackStat(root: string, process: Process = "self"): ConntrackStat | undefined {
  const text = readText(`${root}/${process}/${FILE}`);
  return text === undefined ? undefined : parseConntrackStat(text);
}

/** Parses the counters by their headings: columns were renamed and removed over time. Throws ParseError. */
export function parseConntrackStat(text: string): ConntrackStat {
  const [heading = "", ...lines] = text.trimEnd().split("\n");
  const names = heading.trim().split(/\s+/);
  if (!names.includes("entries") || lines.length === 0) throw new ParseError("bad-text", FILE, "heading", heading);
  const cpus = lines.map((line) => parseCounters(names, line));
  const sum = (name: string): number => {
    const column = names.indexOf(name);
    return column < 0 ? 0 : cpus.reduce((total, counters) => total + counters[column]!, 0);
  };
  return {
    entries: cpus[0]![names.indexOf("entries")]!,
    invalid: sum("invalid"),
    insertFailed: sum("insert_failed"),
    drop: sum("drop"),
    earlyDrop: sum("early_drop"),
    searchRestart: sum("search_restart"),
  };
}

function parseCounters(names: readonly string[], line: string): number[] {
  const fields = line.trim().split(/\s+/);
  if (fields.length < names.length) throw new ParseError("truncated", FILE, names[fields.length]!, line);
  return fields.map((field, column) => {
    if (!/^[0-9a-f]+$/i.test(field)) throw new ParseError("bad-number", FILE, names[column] ?? "", field);
    return Number.parseInt(field, 16);
  });
}
