// Asks a scanner, in the namespace that it is started in, whether a new table would be the same: after nothing, and after each of the things that make it another one. Prints the answers as JSON.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { Scanner } from "@conntrail/scan";

const scanner = new Scanner({ namespaces: "own" });
/** Nobody told of a socket; which namespaces processes enter is not known. */
const NOTHING = { nothingTold: true, entered: undefined };
const answers = { first: scanner.isStill(NOTHING) };

/** Scans, does something, asks. */
async function after(name, action) {
  await scanner.scan();
  const result = await action();
  answers[name] = scanner.isStill(NOTHING);
  return result;
}

await after("nothing", () => {});
answers.told = scanner.isStill({ ...NOTHING, nothingTold: false });
answers.again = scanner.isStill(NOTHING);
const server = await after("a listener", async () => {
  const listener = createServer((socket) => socket.on("error", () => {}).pipe(socket)).listen(0, "127.0.0.1");
  await once(listener, "listening");
  return listener;
});
const client = await after("a connection", async () => {
  const socket = connect(server.address().port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
});
await after("traffic", async () => {
  client.write("x");
  await once(client, "data");
});
const udp = await after("a UDP socket", async () => {
  const socket = createSocket("udp6").bind(0);
  await once(socket, "listening");
  return socket;
});
await after("its end", async () => {
  udp.close();
  await once(udp, "close");
});
await after("an end", async () => {
  client.destroy();
  await once(client, "close");
});
console.log(JSON.stringify(answers));
process.exit();
