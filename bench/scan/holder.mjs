// Holds many TCP connections in few processes, and exchanges some of them all the time. `server ADDRESS PORT`, or `client ADDRESS PORT COUNT PER-SECOND`:
// PER-SECOND connections are closed and as many opened. Says "ready" once, and ends with its standard input.
import { connect, createServer } from "node:net";

const [role, address, port, count, perSecond] = process.argv.slice(2);
process.stdin.on("end", () => process.exit(0)).resume();

if (role === "server") {
  const server = createServer((socket) => socket.on("error", () => socket.destroy()).resume());
  server.listen({ host: address, port: Number(port), backlog: 4096 }, () => console.log("ready"));
} else {
  const held = [];
  const open = () =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(port), address, () => resolve(held.push(socket)));
      socket.on("error", reject).resume();
    });
  while (held.length < Number(count)) await Promise.all(Array.from({ length: 50 }, open));
  console.log("ready");
  if (Number(perSecond) > 0) {
    setInterval(() => {
      held.splice(Math.floor(Math.random() * held.length), 1)[0].destroy();
      void open();
    }, 1000 / Number(perSecond));
  }
}
