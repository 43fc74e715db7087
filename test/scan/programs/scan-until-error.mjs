// Scans without a pause; prints how the stream ended, and ends when nothing keeps it running any more.
import { scanSockets } from "@conntrail/scan";

let tables = 0;
scanSockets({ intervalMs: 1, cpuBudget: 10 }).subscribe({
  next: () => tables++,
  error: ({ name, op, errno }) => console.log(JSON.stringify({ tables, name, op, errno })),
});
