// Scans once as root (which loads everything), then becomes nobody, starts a server of its own, and scans again. Prints what it saw.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { OWNER_REASON, SOCKET, SOCKET_WORDS } from "@conntrail/model";
import { Scanner } from "@conntrail/scan";

const NOBODY = 65534;
const SERVER = `
  const server = require("node:net").createServer().listen(0, "127.0.0.1", () => console.log(server.address().port));
  process.stdin.on("end", () => process.exit(0)).resume();
`;

await new Scanner().scan();
process.setgroups([]);
process.setgid(NOBODY);
process.setuid(NOBODY);

const server = spawn(process.execPath, ["-e", SERVER], { cwd: "/", stdio: ["pipe", "pipe", "inherit"] });
const [port] = await once(server.stdout, "data");
const { table } = await new Scanner({ namespaces: process.argv[2] ?? "all" }).scan();
server.kill();

const sockets = [];
for (let at = 0; at < table.count * SOCKET_WORDS; at += SOCKET_WORDS) {
  sockets.push({
    port: table.rows[at + SOCKET.ports] >>> 16,
    pid: table.owners[table.rows[at + SOCKET.owner] - 1]?.pid ?? null,
    reason: OWNER_REASON[table.rows[at + SOCKET.reason]],
  });
}
console.log(JSON.stringify({ port: Number(port), server: server.pid, health: table.health, sockets }));
