// Accepts TCP connections, closes its own side --after-ms later and goes on reading: its socket stays in FIN_WAIT2, the
// client's in CLOSE_WAIT, for as long as the client (tcp-client --half-open) does not close.
import { createServer } from "node:net";
import { ready, start } from "./start.mjs";

const options = start({ host: "::", port: 0, afterMs: 0 });
const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on("error", () => undefined);
  socket.resume();
  setTimeout(() => socket.end(), options.afterMs);
});
server.listen(options.port, options.host, () => ready({ port: server.address().port }));
