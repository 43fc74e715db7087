// Holds a file open. On a line of standard input closes it and connects to the port in that line, which takes the file's descriptor over; says
// { fd, port } when it is connected. The number of its descriptors stays the same.
import { closeSync, openSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";

process.stdin.on("end", () => process.exit(0));
const lines = createInterface({ input: process.stdin });
const file = openSync(process.argv[1], "r");
console.log(JSON.stringify({ ready: true, fd: file }));
lines.once("line", (port) => {
  closeSync(file);
  const socket = connect(Number(port), "127.0.0.1", () => {
    console.log(JSON.stringify({ link: readlinkSync(`/proc/self/fd/${file}`), port: socket.localPort }));
  });
});
