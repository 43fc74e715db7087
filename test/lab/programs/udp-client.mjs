// Opens --sockets UDP sockets connected to --host and --port and sends --count datagrams on each, --interval-ms apart
// (count 0: until the end). The ready line with the local ports comes when every socket has sent one and, unless
// --one-way is given, has had an answer.
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";
import { ready, start } from "./start.mjs";

const options = start({
  host: "127.0.0.1",
  port: 0,
  sockets: 1,
  count: 0,
  intervalMs: 100,
  bytes: 8,
  oneWay: false,
  broadcast: false,
});
const payload = Buffer.alloc(options.bytes, 0x2e);

function open() {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(options.host) ? "udp6" : "udp4");
    socket.on("error", () => undefined);
    socket.on("message", () => resolve(socket.address().port));
    const begin = () => {
      let sent = 0;
      const send = () => {
        socket.send(payload, () => undefined);
        if (++sent === options.count) clearInterval(timer);
        if (options.oneWay) resolve(socket.address().port);
      };
      const timer = setInterval(send, options.intervalMs);
      send();
    };
    const connect = () => socket.connect(options.port, options.host, begin);
    if (!options.broadcast) connect();
    else
      socket.bind(0, () => {
        socket.setBroadcast(true);
        connect();
      });
  });
}

ready({ ports: await Promise.all(Array.from({ length: options.sockets }, open)) });
