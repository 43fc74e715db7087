// Starts nested workers and tells when they run; nothing but them keeps it alive.
import { workerStream } from "@conntrail/thread";

const worker = workerStream(new URL("../workers/nests.js", import.meta.url));
worker.messages$.subscribe({
  next: (message) => process.stdout.write(`${message}\n`),
  error: (error) => {
    throw error;
  },
});
