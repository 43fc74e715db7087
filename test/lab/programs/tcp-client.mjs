// Opens --connections TCP connections to --host and --port. With --hold it opens them all, prints the ready line with
// the local ports, and keeps them. Without, each lives --duration-ms, at most --rate start per second (0: as fast as
// --parallel allows); the ready line comes first, a line { done, ports, failed } last, and then it ends.
import { connect } from "node:net";
import { ready, start, tell } from "./start.mjs";

const options = start({
  host: "127.0.0.1",
  port: 0,
  connections: 1,
  hold: false,
  durationMs: 5,
  rate: 0,
  parallel: 200,
  bytes: 1, // sent on each connection
  reset: false, // close by RST
  halfOpen: false, // stay open after the server has closed its side
  bind: "", // local address
  localPort: 0, // 0: any
});
const payload = Buffer.alloc(options.bytes, 0x2e);
const ports = [];
let failed = 0;

/** Opens one connection; resolves when it is established, with nothing when it failed. */
function open() {
  return new Promise((resolve) => {
    const { host, port, halfOpen, bind, localPort } = options;
    const from = { ...(bind && { localAddress: bind }), ...(localPort && { localPort }) };
    const socket = connect({ host, port, allowHalfOpen: halfOpen, ...from });
    socket.on("error", () => {
      if (socket.localPort === undefined || socket.connecting) failed++;
      socket.destroy();
      resolve(undefined);
    });
    socket.on("connect", () => {
      ports.push(socket.localPort);
      socket.resume();
      if (payload.length > 0) socket.write(payload);
      resolve(socket);
    });
  });
}

/** One short connection, from connect to close. */
async function short() {
  const socket = await open();
  if (socket === undefined) return;
  await new Promise((resolve) => {
    socket.on("close", resolve);
    setTimeout(() => (options.reset ? socket.resetAndDestroy() : socket.end()), options.durationMs);
  });
}

if (options.hold) {
  const sockets = [];
  for (let i = 0; i < options.connections; i += options.parallel) {
    const some = Math.min(options.parallel, options.connections - i);
    sockets.push(...(await Promise.all(Array.from({ length: some }, open))));
  }
  ready({ ports, failed });
  process.on("SIGUSR2", () => {
    for (const socket of sockets) options.reset ? socket?.resetAndDestroy() : socket?.end();
  });
} else {
  ready();
  const began = performance.now();
  const running = new Set();
  let started = 0;
  while (started < options.connections) {
    const elapsed = performance.now() - began;
    const due =
      options.rate > 0
        ? Math.min(options.connections, Math.ceil((elapsed * options.rate) / 1000))
        : options.connections;
    while (started < due && running.size < options.parallel) {
      started++;
      const one = short();
      running.add(one);
      one.then(() => running.delete(one));
    }
    await (running.size >= options.parallel ? Promise.race(running) : new Promise((resolve) => setTimeout(resolve, 2)));
  }
  await Promise.all(running);
  tell({ done: true, ports, failed, ms: Math.round(performance.now() - began) });
  process.exit(0);
}
