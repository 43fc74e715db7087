// Starts the nested workers of the file named, closes them and counts its threads; ends by itself when nothing holds it.
import { readdirSync } from "node:fs";
import { workerStream } from "@conntrail/thread";

const threads = () => readdirSync("/proc/self/task").length;
const before = threads();
const worker = workerStream(new URL(`../workers/${process.argv[2]}`, import.meta.url), { closeDeadlineMs: 500 });
worker.messages$.subscribe({
  next: (message) => {
    if (message === "inner started") void stop();
  },
  error: () => {}, // the one that has to be terminated says so
});

async function stop() {
  const during = threads();
  await worker.close();
  process.stdout.write(JSON.stringify({ before, during, after: threads() }));
}
