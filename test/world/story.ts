/** A history as a reader can follow it: what happened, what was seen of it, and what the reports said, in the order of time. */
import { SOCKET_STATE } from "@conntrail/model";
import type { RowEnd } from "./observe/report-rows.ts";
import type { Shrunk } from "./shrink.ts";
import { textOf } from "./truth/addresses.ts";
import { type Life, TOLD } from "./truth/lives.ts";

const STATES = [
  "NONE",
  "SYN_SENT",
  "SYN_RECV",
  "ESTABLISHED",
  "FIN_WAIT",
  "CLOSE_WAIT",
  "LAST_ACK",
  "TIME_WAIT",
  "CLOSE",
];
const SOCKET_STATES = new Map<number, string>(Object.entries(SOCKET_STATE).map(([name, state]) => [state, name]));
const TOLD_NAMES = ["NEW", "UPDATE", "DESTROY"];

interface Line {
  readonly atMs: number;
  readonly text: string;
}

/** The story, one line per thing that happened. */
export function storyOf({ verdict, violation }: Shrunk): string {
  const { history, plan, sights, reports } = verdict.observed;
  const lines: Line[] = [];
  const say = (atMs: number, text: string): void => {
    if (Number.isFinite(atMs)) lines.push({ atMs, text });
  };
  for (const life of history.lives) {
    tellLife(
      life,
      say,
      history.places.map(({ name }) => name),
    );
    for (const socket of [life.client, life.server]) {
      for (const { table, state, owner } of (socket && sights.sockets.get(socket)) ?? []) {
        const who = owner === undefined ? "nobody's" : `${owner.name}(${owner.pid})`;
        say(sights.tableStartMs[table]!, `  scan ${table} sees #${life.number} ${SOCKET_STATES.get(state)}, ${who}`);
      }
    }
  }
  sights.batchMs.forEach((atMs, number) => {
    if (sights.batchTakenMs[number] !== undefined)
      say(atMs, `  batch ${number} closed, taken at ${sights.batchTakenMs[number].toFixed(1)}`);
  });
  for (const [number, atMs] of sights.tableTakenMs.entries()) say(atMs, `  table ${number} arrives`);
  for (const { place, atMs } of sights.overruns) say(atMs, `  ENOBUFS in ${history.places[place]!.name}`);
  for (const { fromMs, toMs, place } of plan.stalls)
    say(fromMs, `  ${place < 0 ? "the reader" : history.places[place]!.name} stands still until ${toMs.toFixed(1)}`);
  for (const { fromMs, toMs } of plan.restarts) say(fromMs, `  the ingest dies, and is back at ${toMs.toFixed(1)}`);
  reports.forEach(({ atMs, rows, batches, tables }, i) => {
    say(atMs, `    report ${i} (after batch ${batches}, table ${tables})${rows.length === 0 ? ": nothing" : ""}`);
    for (const row of rows) {
      say(atMs, `      #${row.number} ${row.state} ${endOf(row.from)} > ${endOf(row.to)} (${row.confidence})`);
    }
  });
  lines.sort((a, b) => a.atMs - b.atMs);
  const kept = lines.filter(({ text }, i) => !/batch|nothing|arrives/.test(text) || isNear(lines, i));
  const head = `${violation.law}: #${violation.life}, report ${violation.report}: ${violation.what} [${[...violation.circumstances].join(" ")}]`;
  return [head, ...kept.map(({ atMs, text }) => `${atMs.toFixed(3).padStart(12)} ${text}`)].join("\n");
}

/** Lines of little interest are told when something happens beside them. */
function isNear(lines: readonly Line[], i: number): boolean {
  const dull = /batch|nothing|arrives/;
  return [-3, -2, -1, 1, 2, 3].some((step) => lines[i + step] !== undefined && !dull.test(lines[i + step]!.text));
}

function tellLife(life: Life, say: (atMs: number, text: string) => void, places: readonly string[]): void {
  const { path, number, beginMs, endMs, outcome } = life;
  const seen =
    path.from === path.fromSeen && path.to === path.toSeen
      ? ""
      : `, seen as ${textOf(path.fromSeen)} > ${textOf(path.toSeen)}`;
  say(
    beginMs - 0.001,
    `#${number} ${path.kind} ${life.protocol === 6 ? "tcp" : "udp"} ${textOf(path.from)} > ${textOf(path.to)}${seen}: ${outcome} until ${endMs.toFixed(3)}`,
  );
  for (const entry of life.entries) {
    for (const { atMs, told, state } of entry.events) {
      const what = told === TOLD.update || told === TOLD.new ? (STATES[state] ?? "") : "";
      say(atMs, `#${number} ${places[entry.place]} ${TOLD_NAMES[told]} ${what} id ${entry.id}`);
    }
  }
}

function endOf({ real, owner, reason }: RowEnd): string {
  return `${textOf(real)} ${owner === undefined ? reason : `${owner.process}(${owner.pid})${reason === "listener" ? "*" : ""}`}`;
}
