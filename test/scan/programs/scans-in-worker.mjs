// A worker thread that scans on and on and posts how many sockets each table has; it has no end of its own.
import { parentPort } from "node:worker_threads";
import { scanSockets } from "@conntrail/scan";

scanSockets({ intervalMs: 1, cpuBudget: 10 }).subscribe({
  next: ({ count }) => parentPort.postMessage(count),
  error: (error) => {
    throw error;
  },
});
