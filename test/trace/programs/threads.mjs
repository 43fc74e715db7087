// Connects from worker threads: threads.mjs PORT THREADS CONNECTIONS-EACH. Prints { pid, ports } and ends.
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

if (isMainThread) {
  const [port, threads, connections] = process.argv.slice(2).map(Number);
  const all = Array.from({ length: threads }, () => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { port, connections } });
    return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  });
  process.stdout.write(`${JSON.stringify({ pid: process.pid, ports: (await Promise.all(all)).flat() })}\n`);
} else {
  const ports = [];
  for (let i = 0; i < workerData.connections; i++) {
    const socket = connect(workerData.port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    ports.push(socket.localPort);
    await new Promise((resolve) => socket.resume().once("close", resolve).end());
  }
  parentPort.postMessage(ports);
}
