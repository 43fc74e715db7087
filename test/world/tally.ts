/** What many histories gave together: how many connections each law spoke about, how often it was broken, and by which seeds. Plain data, so that it crosses processes. */
import { ceilingOf, exceptionFor } from "./exceptions.ts";
import type { Verdict } from "./run-history.ts";

/** A seed that breaks a law without an excuse. */
interface Finding {
  readonly seed: number;
  readonly season: string;
  readonly law: string;
  readonly what: string;
}

/** Counts. */
export interface Tally {
  histories: number;
  connections: number;
  reports: number;
  /** By law: connections it spoke about, and those for which it was broken without an excuse. */
  readonly asked: Record<string, number>;
  readonly broken: Record<string, number>;
  /** By the name of the exception. */
  readonly excused: Record<string, number>;
  /** The first few of each law and season. */
  readonly findings: Finding[];
}

const FINDINGS_OF_A_LAW = 3;

/** Nothing yet. */
export function emptyTally(): Tally {
  return { histories: 0, connections: 0, reports: 0, asked: {}, broken: {}, excused: {}, findings: [] };
}

/** Adds one history. `law`: only this one counts. */
export function addVerdict(tally: Tally, verdict: Verdict, season: string, law?: string): void {
  const { observed, violations, asked } = verdict;
  const { seed, lives } = observed.history;
  tally.histories++;
  tally.connections += lives.length;
  tally.reports += observed.reports.length;
  for (const [name, count] of asked) if (law === undefined || law === name) add(tally.asked, name, count);
  for (const violation of violations) {
    if (law !== undefined && law !== violation.law) continue;
    const excuse = exceptionFor(violation);
    if (excuse !== undefined) {
      add(tally.excused, excuse, 1);
      continue;
    }
    add(tally.broken, violation.law, 1);
    const circumstances = [...violation.circumstances].join(" ");
    const what = `#${violation.life} in report ${violation.report}: ${violation.what} [${circumstances}]`;
    addFinding(tally, { seed, season, law: violation.law, what });
  }
}

/** Adds another tally. */
export function addTally(to: Tally, other: Tally): void {
  to.histories += other.histories;
  to.connections += other.connections;
  to.reports += other.reports;
  for (const field of ["asked", "broken", "excused"] as const) {
    for (const [name, count] of Object.entries(other[field])) add(to[field], name, count);
  }
  for (const finding of other.findings) addFinding(to, finding);
}

/** The tally as lines. */
export function formatTally(tally: Tally): string {
  const { histories, connections, reports, asked, broken, excused } = tally;
  const rate = (count: number, of: number): string =>
    `${count} of ${of} (${((100 * count) / Math.max(1, of)).toFixed(3)} %)`;
  return [
    `${histories} histories, ${connections} connections, ${reports} reports`,
    ...Object.keys(asked).map((law) => `  ${law}: broken for ${rate(broken[law] ?? 0, asked[law]!)}`),
    ...Object.entries(excused).map(([name, count]) => {
      const ceiling = `${(100 * ceilingOf(name)).toFixed(1)} %`;
      return `  excused, ${name}: ${rate(count, askedFor(tally, name))}, at most ${ceiling}`;
    }),
  ].join("\n");
}

/** The exceptions that were needed more often than they may be. Says nothing before a law was asked about a thousand connections. */
export function excessesOf(tally: Tally): string[] {
  return Object.entries(tally.excused)
    .filter(([name, count]) => askedFor(tally, name) >= LEAST_ASKED && count / askedFor(tally, name) > ceilingOf(name))
    .map(([name]) => name);
}

const LEAST_ASKED = 1_000;

/** How many connections the law of an exception spoke about. */
function askedFor({ asked }: Tally, name: string): number {
  return asked[name.split(" ")[0]!] ?? 0;
}

function add(counts: Record<string, number>, name: string, count: number): void {
  counts[name] = (counts[name] ?? 0) + count;
}

function addFinding({ findings }: Tally, finding: Finding): void {
  const same = findings.filter(({ law, season }) => law === finding.law && season === finding.season);
  if (same.length < FINDINGS_OF_A_LAW) findings.push(finding);
}
