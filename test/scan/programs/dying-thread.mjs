// Loaded by --import into every thread of a program: ends the scan's thread two seconds after its start, as a crash would.
import { isMainThread } from "node:worker_threads";

if (!isMainThread) setTimeout(() => process.exit(7), 2000);
