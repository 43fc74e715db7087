// Terminates workers that hold netlink sockets, ten one after the other. Prints how many sockets the process has left, as JSON.
import { readdirSync, readlinkSync } from "node:fs";
import { Worker } from "node:worker_threads";

const [namespacePath] = process.argv.slice(2);
const before = sockets();
let held = 0;
for (let i = 0; i < 10; i++) {
  const worker = new Worker(new URL("./hold-socket.mjs", import.meta.url), { workerData: { namespacePath } });
  await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  held = Math.max(held, sockets() - before);
  await worker.terminate();
}
console.log(JSON.stringify({ held, left: sockets() - before }));

function sockets() {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
    } catch {
      return false;
    }
  }).length;
}
