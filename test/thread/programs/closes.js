// Starts nested workers, closes them and counts its threads; ends by itself when nothing is left that holds it.
import { readdirSync } from "node:fs";
import { workerStream } from "@conntrail/thread";

const threads = () => readdirSync("/proc/self/task").length;
const before = threads();
const worker = workerStream(new URL("../workers/nests.js", import.meta.url));
worker.messages$.subscribe({
  next: (message) => {
    if (message === "inner started") void stop();
  },
  error: (error) => {
    throw error;
  },
});

async function stop() {
  const during = threads();
  await worker.close();
  process.stdout.write(JSON.stringify({ before, during, after: threads() }));
}
