/**
 * Runs an ingest of its own namespace, as an agent would, and measures what it costs. Argument: options as JSON. Prints one line of JSON when the
 * first dump is complete. A line on standard input begins the measurement, the next ends it and prints the figures:
 *
 *     events, lost, overruns, flows   what the ingest says of itself, since the beginning
 *     processMicros, threadMicros     CPU of the whole process, and of its busiest thread, the ingest worker
 *     wakes                           how often that thread went to sleep
 *     bytes                           resident memory of the process
 */
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { ingest } from "@conntrail/ingest";

let health;
let rows = 0;
let ready = false;
let before;
const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

ingest({ namespaces: "own", ...JSON.parse(process.argv[2] ?? "{}") }).subscribe({
  next: (batch) => {
    health = batch.health;
    rows += batch.count;
    if (!ready && health.completeSinceMs !== null) {
      ready = true;
      answer({
        ready: "measure-ingest",
        afterMs: performance.now() - started,
        residentBytes: process.memoryUsage.rss(),
      });
    }
  },
});
const started = performance.now();

/** CPU nanoseconds and context switches of every thread: proc_pid_schedstat(5), proc_pid_status(5). */
function threads() {
  const figures = new Map();
  for (const thread of readdirSync("/proc/self/task")) {
    const [cpu] = readFileSync(`/proc/self/task/${thread}/schedstat`, "utf8").split(" ");
    const [, wakes] = /^voluntary_ctxt_switches:\s+(\d+)/m.exec(
      readFileSync(`/proc/self/task/${thread}/status`, "utf8"),
    );
    figures.set(thread, { micros: Number(cpu) / 1000, wakes: Number(wakes) });
  }
  return figures;
}

function snapshot() {
  const { user, system } = process.cpuUsage();
  const { events, lost, overruns } = health;
  return {
    processMicros: user + system,
    threads: threads(),
    events: events.new + events.update + events.destroy,
    lost,
    overruns,
    rows,
  };
}

createInterface({ input: process.stdin }).on("line", () => {
  const now = snapshot();
  if (before === undefined) {
    before = now;
    return;
  }
  const spent = [...now.threads].map(([thread, { micros, wakes }]) => {
    const earlier = before.threads.get(thread) ?? { micros: 0, wakes: 0 };
    return { micros: micros - earlier.micros, wakes: wakes - earlier.wakes };
  });
  const busiest = spent.reduce((most, thread) => (thread.micros > most.micros ? thread : most));
  answer({
    events: now.events - before.events,
    lost: now.lost - before.lost,
    overruns: now.overruns - before.overruns,
    rows: now.rows - before.rows,
    processMicros: now.processMicros - before.processMicros,
    threadMicros: busiest.micros,
    wakes: busiest.wakes,
    flows: health.flows,
    residentBytes: process.memoryUsage.rss(),
  });
  process.exit(0);
});
