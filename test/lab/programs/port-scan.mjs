// Tries to connect to --count TCP ports of --host, beginning at --from, and tells how each attempt ended: where nobody
// listens, `refused`; where nobody answers within --timeout-ms, `timedOut`.
import { connect } from "node:net";
import { ready, start, tell } from "./start.mjs";

const options = start({ host: "127.0.0.1", from: 20000, count: 100, parallel: 100, timeoutMs: 1000 });
const result = { done: true, open: 0, refused: 0, timedOut: 0, unreachable: 0 };

function probe(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: options.host, port });
    const settle = (outcome) => {
      result[outcome]++;
      socket.removeAllListeners().on("error", () => undefined);
      socket.destroy();
      resolve();
    };
    socket.setTimeout(options.timeoutMs, () => settle("timedOut"));
    socket.on("connect", () => settle("open"));
    socket.on("error", (error) => settle(error.code === "ECONNREFUSED" ? "refused" : "unreachable"));
  });
}

ready();
for (let i = 0; i < options.count; i += options.parallel) {
  const some = Math.min(options.parallel, options.count - i);
  await Promise.all(Array.from({ length: some }, (_, k) => probe(options.from + i + k)));
}
tell(result);
process.exit(0);
