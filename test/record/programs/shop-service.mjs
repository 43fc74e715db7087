// A part of the shop: with --port it answers every line with a line, after asking the service behind it (--upstream, an
// address or a name that --name-server knows); with --requests it is the customer, who asks and goes. With --keep the
// connection to the service behind is one for all. The process is called --title.
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { connect, createServer, isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ready, start, tell } from "../../lab/programs/start.mjs";

const options = start({
  title: "service",
  port: 0,
  upstream: "",
  upstreamPort: 0,
  nameServer: "",
  keep: false,
  requests: 0,
  pauseMs: 100,
  workMs: 5,
});
process.title = options.title;

const resolver = new Resolver();
if (options.nameServer !== "") resolver.setServers([options.nameServer]);

async function open() {
  const host = isIP(options.upstream) ? options.upstream : (await resolver.resolve4(options.upstream))[0];
  const socket = connect(options.upstreamPort, host);
  await once(socket, "connect");
  return socket;
}

let kept;

function keepOpen() {
  kept ??= open();
  return kept;
}

async function ask() {
  const socket = options.keep ? await keepOpen() : await open();
  socket.write("question\n");
  await once(socket, "data");
  if (!options.keep) {
    socket.end();
    await once(socket, "close");
  }
}

if (options.requests > 0) {
  ready();
  for (let i = 0; i < options.requests; i++) {
    await ask();
    await sleep(options.pauseMs);
  }
  tell({ done: true });
} else {
  if (options.keep) await keepOpen();
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", async () => {
      if (options.upstream !== "") await ask();
      await sleep(options.workMs);
      socket.write("answer\n");
    });
  });
  server.listen(options.port, () => ready({ port: server.address().port }));
}
