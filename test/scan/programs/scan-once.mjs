// Scans once and prints what it saw.
import { OWNER_REASON, SOCKET, SOCKET_WORDS } from "@conntrail/model";
import { Scanner } from "@conntrail/scan";

const { table } = await new Scanner().scan();
const sockets = [];
for (let at = 0; at < table.count * SOCKET_WORDS; at += SOCKET_WORDS) {
  const reason = OWNER_REASON[table.rows[at + SOCKET.reason]];
  sockets.push({ port: table.rows[at + SOCKET.ports] >>> 16, netns: table.rows[at + SOCKET.netns], reason });
}
console.log(JSON.stringify({ health: table.health, sockets }));
