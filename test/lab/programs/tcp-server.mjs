// Accepts TCP connections and echoes what arrives. With --children N, N further processes accept from the same listening
// socket, as a pre-forking server does; with --half-open it keeps its own side open after the client has closed.
import { fork } from "node:child_process";
import { createServer } from "node:net";
import { ready, start } from "./start.mjs";

const options = start({ host: "::", port: 0, children: 0, backlog: 4096, halfOpen: false, child: false });

const serve = (socket) => {
  socket.on("error", () => socket.destroy());
  socket.pipe(socket, { end: !options.halfOpen });
};

if (options.child) {
  process.on("message", (_, server) => {
    server.on("connection", serve);
    process.send("serving");
  });
  process.on("disconnect", () => process.exit(0));
} else {
  const server = createServer({ allowHalfOpen: options.halfOpen }, serve);
  server.listen({ host: options.host, port: options.port, backlog: options.backlog }, async () => {
    const pids = [];
    for (let i = 0; i < options.children; i++) {
      const child = fork(process.argv[1], ["--child", "--lifetime", String(options.lifetime)], {
        stdio: ["pipe", "ignore", "inherit", "ipc"],
      });
      child.send("server", server);
      await new Promise((resolve) => child.once("message", resolve));
      pids.push(child.pid);
    }
    ready({ port: server.address().port, pids });
  });
}
