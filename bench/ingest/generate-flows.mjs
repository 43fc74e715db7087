/**
 * Makes conntrack events: creates, updates and deletes flows over ctnetlink, many requests to a send. Runs inside the namespace that it is to
 * fill. Prints one line of JSON when it is ready, begins when a line comes on its standard input (or at once), and prints another at the end.
 *
 *     --flows N     flows of a round: created, updated, deleted, over and over (default 20,000)
 *     --keep N      flows made first and left alone (default 0)
 *     --states S,…  TCP states: that of the creation, then one per update (default 3,3: ESTABLISHED and an update)
 *     --seconds S   for how long (default 0: `--rounds` rounds)
 *     --rounds N    (default 1)
 *     --rate N      events a second (default 0: as fast as it goes)
 *     --leave       leave the last round's flows in the table
 *     --wait        begin only after a line on standard input
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { encodeConntrackRequest, NETLINK_FAMILY } from "@conntrail/netlink";
import { openNetlinkSocket } from "@conntrail/netlink/socket";

const { values } = parseArgs({
  options: {
    flows: { type: "string", default: "20000" },
    keep: { type: "string", default: "0" },
    states: { type: "string", default: "3,3" },
    seconds: { type: "string", default: "0" },
    rounds: { type: "string", default: "1" },
    rate: { type: "string", default: "0" },
    leave: { type: "boolean", default: false },
    wait: { type: "boolean", default: false },
  },
});
const flows = Number(values.flows);
const keep = Number(values.keep);
const states = values.states.split(",").map(Number);
const seconds = Number(values.seconds);
const rate = Number(values.rate);

const SEND_BYTES = 60_000;
const socket = openNetlinkSocket({ family: NETLINK_FAMILY.netfilter, receiveBufferBytes: 1 << 20 });
const counts = { created: 0, updated: 0, deleted: 0 };
let events = 0;
let started = process.hrtime.bigint();

/** A request whose addresses and ports are patched in place: client 10.x.y.z and port of flow `i` to 10.255.0.1:80. */
function template(operation, state, timeout) {
  const end = (address, port) => ({ address, port });
  const client = end(Uint8Array.of(10, 1, 2, 3), 0x1122);
  const server = end(Uint8Array.of(10, 255, 0, 1), 80);
  const tuple = (from, to) => ({
    source: from.address,
    destination: to.address,
    proto: { kind: "ports", number: 6, sourcePort: from.port, destinationPort: to.port },
  });
  const bytes = encodeConntrackRequest(operation, {
    family: 2,
    original: tuple(client, server),
    ...(operation === "create" ? { reply: tuple(server, client) } : {}),
    ...(timeout === undefined ? {} : { timeout }),
    ...(state === undefined ? {} : { protoInfo: { kind: "tcp", state } }),
  });
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const find = (needle) => {
    const found = [];
    for (let at = view.indexOf(needle); at >= 0; at = view.indexOf(needle, at + 1)) found.push(at);
    return found;
  };
  return { bytes, addresses: find(Buffer.from([10, 1, 2, 3])), ports: find(Buffer.from([0x11, 0x22])) };
}

const buffer = new Uint8Array(SEND_BYTES + 1024);
const view = new DataView(buffer.buffer);
let used = 0;

function send() {
  if (used === 0) return;
  socket.send(buffer.subarray(0, used));
  used = 0;
  if (rate > 0) pace();
}

function pace() {
  const ahead = events / rate - Number(process.hrtime.bigint() - started) / 1e9;
  if (ahead > 0.001) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ahead * 1000);
}

function add({ bytes, addresses, ports }, flow) {
  buffer.set(bytes, used);
  for (const at of addresses) view.setUint32(used + at, 0x0a000000 + (flow >>> 15));
  for (const at of ports) view.setUint16(used + at, 1024 + (flow & 0x7fff));
  used += (bytes.length + 3) & ~3;
  events++;
  if (used > SEND_BYTES - 400 || (rate > 0 && used > 400 * Math.max(1, rate / 2000))) send();
}

const create = template("create", states[0], 600);
const updates = states.slice(1).map((state) => template("update", state, undefined));
const remove = template("delete");

function each(request, first, count) {
  for (let i = 0; i < count; i++) add(request, first + i);
  send();
}

function round(last) {
  // In blocks, so that the rates of the three kinds are even.
  const block = Math.min(flows, 2_000);
  for (let first = 0; first < flows; first += block) {
    const count = Math.min(block, flows - first);
    each(create, keep + first, count);
    counts.created += count;
    for (const update of updates) each(update, keep + first, count);
    counts.updated += count * updates.length;
    if (last && values.leave) continue;
    each(remove, keep + first, count);
    counts.deleted += count;
  }
}

each(create, 0, keep);
process.stdout.write(`${JSON.stringify({ ready: "generate-flows", pid: process.pid, kept: keep })}\n`);
if (values.wait) await new Promise((resolve) => createInterface({ input: process.stdin }).once("line", resolve));
events = 0;
started = process.hrtime.bigint();
const elapsed = () => Number(process.hrtime.bigint() - started) / 1e9;
if (seconds > 0) {
  while (elapsed() < seconds) round(false);
  if (values.leave) round(true);
} else for (let i = 0; i < Number(values.rounds); i++) round(i === Number(values.rounds) - 1);
let failed = 0;
for (let count = socket.receive(); count !== 0; count = socket.receive()) failed += Math.max(0, count);
const cpu = process.cpuUsage();
process.stdout.write(
  `${JSON.stringify({ ...counts, events, failed, seconds: elapsed(), cpuMs: (cpu.user + cpu.system) / 1000 })}\n`,
);
process.exit(0);
