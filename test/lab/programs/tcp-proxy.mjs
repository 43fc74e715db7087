// Accepts TCP connections and passes each on to --to-host and --to-port. With --uid it works as that user, so that a rule can tell its own
// connections from those that it is to take.
import { connect, createServer } from "node:net";
import { ready, start } from "./start.mjs";

const options = start({ host: "0.0.0.0", port: 0, toHost: "127.0.0.1", toPort: 0, uid: 0 });
if (options.uid !== 0) process.setuid(options.uid);

const server = createServer((near) => {
  const far = connect(options.toPort, options.toHost);
  for (const [socket, other] of [
    [near, far],
    [far, near],
  ]) {
    socket.on("error", () => socket.destroy());
    socket.on("close", () => other.destroy());
  }
  near.pipe(far).pipe(near);
});
server.listen({ host: options.host, port: options.port }, () => ready({ port: server.address().port }));
