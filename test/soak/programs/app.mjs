// Takes what is posted to 127.0.0.1, port and status given: a Scope app that works, or refuses. Ends at the end of its standard input.
import { createServer } from "node:http";

const [port, status] = process.argv.slice(2).map(Number);
process.stdin.on("end", () => process.exit(0)).resume();
createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(status).end());
}).listen(port, "127.0.0.1", () => console.log(JSON.stringify({ ready: "app" })));
