/**
 * Runs an ingest inside the namespace it is started in and keeps what it tells, the simple way. Arguments: options as JSON; `light`: do not look
 * into the batches, so that what the host thread waits for is the ingest, and `live` is what its health says. Commands on standard
 * input, one line each, are answered by one line of JSON:
 *
 *     state   {health, live: number, ended: {upsert, destroyed, swept, evicted, released, twice}, batches, waits, shortestRestMs}
 *     flows   {flows: ["protocol source destination [state]", …]} of all namespaces, sorted
 *     by-namespace   {live: {netns: number}, ended: {netns: {change: number}}}
 *     ended   {ended: [{flow, change, state, flags, count}, …]} the last 5,000
 *     fifo    {path} of a FIFO that the ingest is asked to wait for; each time that it tells it readable: {readable: true}
 *     entered 1 2 3   no answer: processes have entered these namespaces, and the ingest is told so
 *     hurry   no answer: the ingest is told that somebody waits for each change
 *     stop    {stopped: milliseconds}, after the Observable has completed
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, openSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ingest } from "@conntrail/ingest";
import {
  FLOW,
  FLOW_CHANGE,
  FLOW_FLAG,
  FLOW_WORDS,
  formatAddress,
  kindFlags,
  kindProtocol,
  kindState,
} from "@conntrail/model";
import { Subject } from "rxjs";

const live = new Map();
const ended = [];
const endedIn = {};
const counts = Object.fromEntries(Object.keys(FLOW_CHANGE).map((change) => [change, 0]));
const names = Object.fromEntries(Object.entries(FLOW_CHANGE).map(([name, number]) => [number, name]));
let closed = 0;
let batches = 0;
let health;
let longestWaitMs = 0;
const stop$ = new Subject();
const wait$ = new Subject();
const entered$ = new Subject();
const hurry$ = new Subject();
const options = JSON.parse(process.argv[2] ?? "{}");
const light = process.argv[3] === "light";
const started = performance.now();
let completeAfterMs;
let toldMs;
let shortestRestMs;

function take(batch) {
  batches++;
  health = batch.health;
  if (health.completeSinceMs !== null) completeAfterMs ??= performance.now() - started;
  if (batch.count > 0) {
    if (toldMs !== undefined) shortestRestMs = Math.min(shortestRestMs ?? Infinity, batch.timeMs - toldMs);
    toldMs = batch.timeMs;
  }
  if (light) return;
  const { rows } = batch;
  for (let i = 0; i < batch.count; i++) {
    const at = i * FLOW_WORDS;
    const kind = rows[at + FLOW.kind];
    const ports = rows[at + FLOW.originalPorts];
    const change = names[batch.changes[i]];
    const source = `${formatAddress(rows, at + FLOW.originalSource)}:${ports >>> 16}`;
    const destination = `${formatAddress(rows, at + FLOW.originalDestination)}:${ports & 0xffff}`;
    const flow = `${kindProtocol(kind)} ${source} ${destination}`;
    const key = `${rows[at + FLOW.netns]} ${rows[at + FLOW.zone]} ${flow}`;
    const flags = kindFlags(kind);
    if (change === "upsert" && (flags & FLOW_FLAG.closed) === 0)
      live.set(key, { flow, state: kindState(kind), netns: rows[at + FLOW.netns] });
    else {
      endedIn[rows[at + FLOW.netns]] ??= {};
      const told = endedIn[rows[at + FLOW.netns]];
      told[change] = (told[change] ?? 0) + rows[at + FLOW.count];
      counts[change]++;
      closed += change === "evicted" ? 0 : rows[at + FLOW.count];
      if ((flags & FLOW_FLAG.aggregated) === 0) live.delete(key);
      ended.push({
        flow,
        change,
        state: kindState(kind),
        flags,
        count: rows[at + FLOW.count],
        netns: rows[at + FLOW.netns],
      });
      if (ended.length > 10_000) ended.splice(0, 5_000);
    }
  }
}

ingest(options, { stop$, wait$, entered$, hurry$, onReadable: () => answer({ readable: true }) }).subscribe({
  next: take,
  error: (error) => {
    console.error(error);
    process.exit(1);
  },
  complete: () => {
    answer({ stopped: performance.now() - stopping });
    process.exit(0);
  },
});

let stopping = 0;
const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const commands = {
  state: () =>
    answer({
      health,
      live: light ? (health?.flows ?? 0) : live.size,
      ended: counts,
      closed,
      batches,
      longestWaitMs,
      completeAfterMs,
      shortestRestMs,
    }),
  flows: () => answer({ flows: [...live.values()].map(({ flow, state }) => `${flow} ${state}`).sort() }),
  "by-namespace": () => {
    const liveIn = {};
    for (const { netns } of live.values()) liveIn[netns] = (liveIn[netns] ?? 0) + 1;
    answer({ live: liveIn, ended: endedIn });
  },
  ended: () => answer({ ended: ended.slice(-5_000) }),
  fifo: () => {
    const path = join(mkdtempSync(join(tmpdir(), "conntrail-follow-")), "fifo");
    execFileSync("mkfifo", [path]);
    wait$.next([openSync(path, "r+")]);
    answer({ path });
  },
  hurry: () => hurry$.next(true),
  entered: (...namespaces) => entered$.next(new Set(namespaces.map(Number))),
  stop: () => {
    stopping = performance.now();
    stop$.next();
  },
};
createInterface({ input: process.stdin }).on("line", (line) => {
  const [name, ...args] = line.split(" ");
  commands[name](...args);
});

// How long the host thread was ever kept from its work.
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  longestWaitMs = Math.max(longestWaitMs, now - last - 10);
  last = now;
}, 10);
setTimeout(() => answer({ ready: "follow", pid: process.pid }), 0);
