// A worker that waits, for a minute at the most, until the FIFO given is readable. It tells when a wait begins, and what ended it; then it waits for a message before the next.
import { openSync, readSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { ReadableWait } from "@conntrail/netlink/socket";

const fifo = openSync(workerData.fifo, "r+");
const wait = ReadableWait.open();
parentPort.on("message", () => setImmediate(next));
setImmediate(next);

function next() {
  parentPort.postMessage({ waiting: wait !== undefined });
  const ready = wait.wait([fifo], 60_000);
  if (ready.length > 0) readSync(fifo, Buffer.alloc(64));
  parentPort.postMessage({ ready });
}
