/**
 * Makes connections in the namespace it is started in, and holds what ingest and scan tell of them against what it knows itself. Arguments: how many
 * connections at the least, how long each lives in milliseconds, and how many tables are to be met. Prints one line of JSON:
 *
 *     {connections, unheard: connections whose NEW could not be read as connect() had come back, tables, sockets: connected sockets in tables,
 *      flowless: of these, without a flow behind the cut of their table, elsewhen: with a flow whose life the reading lies outside of,
 *      outside: flows whose beginning or end is told at another time than it happened, uncookied, recookied: sockets without a cookie, or with two}
 */
import { connect, createServer } from "node:net";
import { ingest } from "@conntrail/ingest";
import {
  FLOW,
  FLOW_FLAG,
  FLOW_WORDS,
  kindFlags,
  kindProtocol,
  kindState,
  SOCKET,
  SOCKET_WORDS,
} from "@conntrail/model";
import { decodeConntrack, MessageCursor, NETLINK_FAMILY, NFNLGRP } from "@conntrail/netlink";
import { openNetlinkSocket } from "@conntrail/netlink/socket";
import { scanSockets } from "@conntrail/scan";
import { steadyMs } from "@conntrail/thread/clock";
import { Subject } from "rxjs";

const TCP = 6;
const LISTEN = 10;
const STATES = 0x1ffe & ~(1 << LISTEN);
const AT_ONCE = 20;

const wanted = Number(process.argv[2]);
const livesMs = Number(process.argv[3]);
const wantedTables = Number(process.argv[4]);
const result = {
  connections: 0,
  unheard: 0,
  tables: 0,
  sockets: 0,
  flowless: 0,
  elsewhen: 0,
  outside: 0,
  uncookied: 0,
  recookied: 0,
};

/** By client port: the flow as last told, and when the connection really began and ended. */
const flows = new Map();
const truths = new Map();
const cookies = new Map();
const waiting = [];
const cut$ = new Subject();
const stop$ = new Subject();
let complete;
const ready = new Promise((resolve) => {
  complete = resolve;
});

const server = createServer({ allowHalfOpen: false }, (socket) => socket.on("error", () => {}).resume());
await new Promise((resolve) => {
  server.listen(0, "127.0.0.1", resolve);
});
const { port } = server.address();

const events = openNetlinkSocket({
  family: NETLINK_FAMILY.netfilter,
  groups: [NFNLGRP.conntrackNew],
  receiveBufferBytes: 16 << 20,
});
const heard = new Set();

function listen() {
  for (let count = events.receive(); count > 0; count = events.receive()) {
    for (let i = 0; i < count; i++) {
      const cursor = new MessageCursor(events.block).over(events.offsets[i], events.lengths[i]);
      while (cursor.nextWhole()) {
        const { kind, original } = decodeConntrack(events.block.subarray(cursor.offset, cursor.end));
        if (kind === "new" && original.proto.kind === "ports") heard.add(original.proto.sourcePort);
      }
    }
  }
}

function takeBatch(batch) {
  if (batch.health.completeSinceMs !== null) complete();
  const doubles = new Float64Array(batch.rows.buffer, batch.rows.byteOffset);
  for (let i = 0; i < batch.count; i++) {
    const at = i * FLOW_WORDS;
    const ports = batch.rows[at + FLOW.originalPorts];
    if (kindProtocol(batch.rows[at + FLOW.kind]) !== TCP || (ports & 0xffff) !== port) continue;
    const time = (field) => doubles[(at + field) >> 1];
    flows.set(ports >>> 16, {
      began: [time(FLOW.beganAfterMs), time(FLOW.firstSeenMs)],
      last: [time(FLOW.lastAfterMs), time(FLOW.lastSeenMs)],
      closed: (kindFlags(batch.rows[at + FLOW.kind]) & FLOW_FLAG.closed) !== 0,
    });
  }
  while (waiting.length > 0 && waiting[0].cutMs <= batch.cutMs) takeTable(waiting.shift());
}

function takeTable(table) {
  result.tables++;
  const [{ readByMs }] = table.namespaces;
  for (let i = 0; i < table.count; i++) {
    const at = i * SOCKET_WORDS;
    const local = table.rows[at + SOCKET.ports] >>> 16;
    const remote = table.rows[at + SOCKET.ports] & 0xffff;
    if (kindProtocol(table.rows[at + SOCKET.kind]) !== TCP || (local !== port && remote !== port)) continue;
    if (kindState(table.rows[at + SOCKET.kind]) === LISTEN) continue;
    result.sockets++;
    takeCookie(`${local}>${remote}`, table.rows[at + SOCKET.cookieLow], table.rows[at + SOCKET.cookieHigh]);
    const flow = flows.get(local === port ? remote : local);
    if (flow === undefined) result.flowless++;
    else if (flow.began[0] > readByMs) result.elsewhen++;
  }
}

function takeCookie(key, low, high) {
  if (low === 0 && high === 0) result.uncookied++;
  const known = cookies.get(key);
  if (known !== undefined && known !== `${high},${low}`) result.recookied++;
  cookies.set(key, `${high},${low}`);
}

function once() {
  return new Promise((resolve, reject) => {
    const beforeMs = steadyMs();
    const socket = connect(port, "127.0.0.1", () => {
      const client = socket.localPort;
      const began = [beforeMs, steadyMs()];
      listen();
      if (!heard.has(client)) result.unheard++;
      setTimeout(() => {
        const endMs = steadyMs();
        socket.on("close", () => {
          truths.set(client, { began, endMs });
          resolve();
        });
        socket.end();
      }, livesMs);
    });
    socket.on("error", reject);
    socket.resume();
  });
}

ingest({ namespaces: "own", protocols: ["tcp"] }, { cut$, stop$ }).subscribe({ next: takeBatch });
await ready;
scanSockets({ namespaces: "own", states: STATES | (1 << LISTEN), intervalMs: 10, cpuBudget: 0.3, stop$ }).subscribe({
  next: (table) => {
    waiting.push(table);
    cut$.next();
  },
});

async function worker() {
  // On a busy machine scans are slow: connections go on until enough of them have looked, ten times as many at the most.
  while (result.connections < wanted || (result.tables < wantedTables && result.connections < 10 * wanted)) {
    result.connections++;
    await once();
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, worker));
const endMs = steadyMs();
while (waiting.length > 0 || [...truths.keys()].some((client) => flows.get(client)?.closed !== true)) {
  if (steadyMs() - endMs > 10_000) break;
  await new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
}
for (const [client, { began, endMs: closedMs }] of truths) {
  const flow = flows.get(client);
  const meets =
    flow !== undefined && flow.began[0] <= began[1] && flow.began[1] >= began[0] && flow.last[1] >= closedMs;
  if (!meets || flow.last[0] > endMs) result.outside++;
}
console.log(JSON.stringify(result));
stop$.next();
events.close();
server.close();
