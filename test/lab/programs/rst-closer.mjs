// Accepts TCP connections and resets each one --after-ms later: conntrack goes from ESTABLISHED to CLOSE, without FIN.
import { createServer } from "node:net";
import { ready, start } from "./start.mjs";

const options = start({ host: "::", port: 0, afterMs: 0 });
const server = createServer((socket) => {
  socket.on("error", () => undefined);
  socket.resume();
  setTimeout(() => socket.resetAndDestroy(), options.afterMs);
});
server.listen(options.port, options.host, () => ready({ port: server.address().port }));
