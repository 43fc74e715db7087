/** What could be known of each connection, and when: the measure that the laws hold the reports against. */
import { PROTOCOL, SOCKET_STATE } from "@conntrail/model";
import type { Observed } from "../observe/observe.ts";
import type { Row } from "../observe/report-rows.ts";
import type { EntrySight, SocketSight } from "../observe/sights.ts";
import type { Entry, Life } from "../truth/lives.ts";
import { isTranslated } from "../truth/paths.ts";

/** Circumstances under which a law may be known not to hold. */
export type Circumstance =
  | "loss" // events of one of its namespaces were lost while it lived
  | "restart" // the ingest was down while it lived
  | "ghost" // it has an entry without events
  | "undumped" // it is translated, and was over before a dump came to any entry of it: only its sockets were seen
  | "clock" // the wall clock was set
  | "reuse" // its tuple was used by another connection, and one batch told of the end of the one and the beginning of the other
  | "deleted" // an entry of it was deleted while it lived, and no report had shown it with its sockets
  | "cookieless" // its sockets were read from /proc
  | "partial" // not all namespaces on its way track
  | "overtaken" // it is of datagrams, each table with its process waited for the batch that told of its end, and its tuple was used again
  | "late" // a namespace on its way was found late
  | "unborn"; // it began before anybody looked

/** One connection, and what the observers had of it. */
export interface Knowledge {
  readonly life: Life;
  readonly entries: readonly EntrySight[];
  /** Sights of its sockets in states that show a connection. */
  readonly sights: readonly SocketSight[];
  /** The first batch that had it open; 0: none had. */
  readonly opened: number;
  /** The first batch that had its end in some namespace; 0: none had. */
  readonly closing: number;
  /** The batch that had its end: the same, but where an entry goes without a closing state another entry may say that it lives; 0: none had. */
  readonly closed: number;
  /** The first batch by which everything that rewrites its packets was known; 0: never. */
  readonly translated: number;
  /** The first table that showed its sockets, and the first later one that did not; 0: none. */
  readonly shown: number;
  readonly vanished: number;
  readonly circumstances: ReadonlySet<Circumstance>;
  /** Its rows: the place of the report, and the row. */
  readonly rows: { readonly report: number; readonly row: Row }[];
}

const SHOWING: ReadonlySet<number> = new Set([
  SOCKET_STATE.established,
  SOCKET_STATE.synSent,
  SOCKET_STATE.finWait1,
  SOCKET_STATE.finWait2,
  SOCKET_STATE.closeWait,
]);

/** The knowledge of all lives by their number. */
export function knowledgeOf(observed: Observed): Map<number, Knowledge> {
  const all = new Map<number, Knowledge>();
  for (const life of observed.history.lives) all.set(life.number, ofLife(observed, life));
  observed.reports.forEach(({ rows }, report) => {
    for (const row of rows) all.get(row.number)?.rows.push({ report, row });
  });
  return all;
}

function ofLife(observed: Observed, life: Life): Knowledge {
  const { sights } = observed;
  const entries = life.entries.map((entry) => sights.entry(entry));
  const sockets = [life.client, life.server].filter((socket) => socket !== undefined);
  const seen = sockets.flatMap((socket) => sights.sockets.get(socket) ?? []);
  const showing = seen.filter(({ state }) => SHOWING.has(state));
  const shown = Math.min(...showing.map(({ table }) => table));
  const last = Math.max(...seen.map(({ table }) => table));
  const tables = sights.tableTakenMs.length - 1;
  const closings = entries.filter(({ entry }) => !isReplaced(life, entry)).map(({ closed }) => closed);
  const closing = least(closings);
  const everywhere = closings.includes(0) ? 0 : Math.max(0, ...closings);
  return {
    life,
    entries,
    sights: seen,
    opened: least(entries.map(({ opened }) => opened)),
    closing,
    closed: life.outcome === "abrupt" ? everywhere : closing,
    translated: translatedFrom(life, entries),
    shown: shown <= tables ? shown : 0,
    vanished: shown <= tables && last < tables ? last + 1 : 0,
    circumstances: circumstancesOf(observed, life, entries),
    rows: [],
  };
}

/** The batch by which the entry is known that rewrites, where there is one. */
function translatedFrom({ path }: Life, entries: readonly EntrySight[]): number {
  if (!isTranslated(path)) return 1;
  const rewriting = entries.filter(({ entry }) => {
    return entry.original[0] !== entry.reply[1] || entry.original[1] !== entry.reply[0];
  });
  if (rewriting.length === 0) return 0;
  return rewriting.some(({ opened }) => opened === 0) ? 0 : Math.max(...rewriting.map(({ opened }) => opened));
}

function circumstancesOf(observed: Observed, life: Life, entries: readonly EntrySight[]): Set<Circumstance> {
  const { history, plan, sights } = observed;
  const found = new Set<Circumstance>();
  const { beginMs, endMs, path } = life;
  const during = (fromMs: number, toMs: number): boolean => fromMs < endMs + 1_000 && toMs > beginMs - 100;
  const places = new Set(
    [path.client, path.server, ...path.hops].flatMap((each) => (each === undefined ? [] : [each.place])),
  );
  if (sights.overruns.some(({ place, atMs }) => places.has(place) && during(atMs - 500, atMs + 1_500)))
    found.add("loss");
  if (plan.restarts.some(({ fromMs, toMs }) => during(fromMs, toMs + 1_000))) found.add("restart");
  if (entries.some(({ silent }) => silent)) found.add("ghost");
  if (isTranslated(path) && beginMs < plan.startMs && entries.every(({ opened }) => opened === 0))
    found.add("undumped");
  if (plan.steps.length > 0) found.add("clock");
  if (life.deleted && !wasSeenWhole(observed, life)) found.add("deleted");
  const sameTuple = history.lives.filter((other) => other.group === life.group && other !== life);
  const isTogether = (other: Life): boolean =>
    other.number < life.number ? wereToldTogether(sights, other, life) : wereToldTogether(sights, life, other);
  if (sameTuple.some(isTogether)) found.add("reuse");
  if (sameTuple.some(({ number }) => number > life.number) && isOvertaken(sights, life, entries))
    found.add("overtaken");
  if ([...places].some((place) => history.places[place]!.cookieless)) found.add("cookieless");
  if ([...places].some((place) => !history.places[place]!.tracked)) found.add("partial");
  if ([...places].some((place) => history.places[place]!.createdMs > plan.startMs)) found.add("late");
  if (beginMs < plan.startMs) found.add("unborn");
  return found;
}

/** True for datagrams whose end was told with or before the batch that every table with their process waited for. */
function isOvertaken(
  { batchTakenMs, tableTakenMs, sockets }: Observed["sights"],
  life: Life,
  entries: readonly EntrySight[],
): boolean {
  const closed = least(entries.map((entry) => entry.closed));
  if (life.protocol !== PROTOCOL.udp || closed === 0) return false;
  const held = [life.client, life.server].flatMap((socket) => (socket && sockets.get(socket)) ?? []);
  return held.every(({ table, owner }) => owner === undefined || tableTakenMs[table]! > batchTakenMs[closed - 1]!);
}

/** True for an entry that was deleted: the connection has another one after it. */
function isReplaced({ entries }: Life, entry: Entry): boolean {
  return entries.some((other, i) => i > entries.indexOf(entry) && other.hop === entry.hop);
}

/** True when a report came after a table with the connection's sockets, and before the batch that told of the deletion. */
function wasSeenWhole({ reports, sights }: Observed, life: Life): boolean {
  const deleted = life.entries.filter((entry) => isReplaced(life, entry));
  const told = least(deleted.map((entry) => sights.entry(entry).closed));
  const tables = [life.client, life.server].flatMap((socket) => (socket && sights.sockets.get(socket)) ?? []);
  return tables.some(({ table }) => reports.some((report) => report.tables >= table && report.batches < told));
}

/** True when in some namespace the end of one was told no earlier than the beginning of the other, or one of them never. */
function wereToldTogether(sights: Observed["sights"], earlier: Life, later: Life): boolean {
  return earlier.entries.some((entry) => {
    const next = later.entries.find(({ hop }) => hop === entry.hop);
    if (next === undefined) return true;
    const { closed } = sights.entry(entry);
    const { opened } = sights.entry(next);
    return closed === 0 || opened === 0 || closed >= opened;
  });
}

/** The least that is not 0; 0 when all are. */
function least(numbers: readonly number[]): number {
  const some = numbers.filter((number) => number > 0);
  return some.length === 0 ? 0 : Math.min(...some);
}
