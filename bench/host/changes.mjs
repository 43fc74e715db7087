/**
 * A host program that listens to a reporter's changes, and opens connections one after another, each left open: changes.mjs PORT COUNT PAUSE-MS. Prints a line when it is ready, then one for each
 * connection: how long after connect() was called it was told as opened, how long until it was told with both processes, by which change, and who serves it; last { lateMs }.
 */
import { connect } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { createReporter } from "@conntrail/reporter";

const RESOLUTION_MS = 1;
const [port, count, pauseMs] = process.argv.slice(2).map(Number);
const late = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
const reporter = createReporter({ namespaces: "own", names: false });
/** By the local port: what is known of a connection. */
const seen = new Map();
const held = [];
let left = count;

function of(localPort) {
  if (!seen.has(localPort)) seen.set(localPort, {});
  return seen.get(localPort);
}

reporter.changes$.subscribe((change) => {
  if (change.kind !== "opened" && change.kind !== "changed") return;
  const { from, to } = change.connection;
  if (to.port !== port) return;
  const one = of(from.port);
  one.toldMs ??= performance.now();
  if (from.pid !== process.pid || to.pid === null || one.knownMs !== undefined) return;
  Object.assign(one, { knownMs: performance.now(), kind: change.kind, server: to.pid });
  tell(one);
});

/** Prints a connection whose beginning and whose processes are known, whichever comes later. */
function tell({ calledMs, toldMs, knownMs, kind, server }) {
  if (calledMs === undefined || knownMs === undefined) return;
  console.log(JSON.stringify({ openedMs: toldMs - calledMs, knownMs: knownMs - calledMs, kind, server }));
  if (--left === 0) void end();
}

async function end() {
  console.log(JSON.stringify({ lateMs: late.percentile(99) / 1e6 - RESOLUTION_MS }));
  for (const socket of held) socket.destroy();
  await reporter.close();
  process.exit();
}

await reporter.ready;
console.log(JSON.stringify({ ready: true }));
await pause(2_000);
late.enable();
for (let i = 0; i < count; i++) {
  const calledMs = performance.now();
  const socket = connect(port, "127.0.0.1");
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  held.push(socket);
  const one = of(socket.localPort);
  one.calledMs = calledMs;
  tell(one);
  await pause(pauseMs);
}
