// Receives datagrams and sends each one back; with --silent it never answers.
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";
import { ready, start } from "./start.mjs";

const options = start({ host: "::", port: 0, silent: false });
const socket = createSocket(isIPv6(options.host) ? "udp6" : "udp4");
socket.on("error", () => undefined);
socket.on("message", (bytes, from) => {
  if (!options.silent) socket.send(bytes, from.port, from.address);
});
socket.bind(options.port, options.host, () => ready({ port: socket.address().port }));
