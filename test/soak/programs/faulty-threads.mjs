/**
 * Loaded ahead of everything in each thread of the soak's agent (`--import`): it names the threads, and over a channel lets each tell what it holds, or fail as it is told to. Nothing of the
 * product knows of it.
 */
import { syncBuiltinESMExports } from "node:module";
import workers, { BroadcastChannel, isMainThread } from "node:worker_threads";

const name = isMainThread ? "host" : (process.env.SOAK_THREAD ?? "unnamed");

/** Piscina's threads, which it does not name, are those that scan. */
workers.Worker = class extends workers.Worker {
  constructor(file, options = {}) {
    const called = options.name ?? (String(file).includes("piscina") ? "scan" : "unnamed");
    super(file, { ...options, env: { ...(options.env ?? process.env), SOAK_THREAD: called } });
  }
};
syncBuiltinESMExports();

const FAIL = {
  throw: () => {
    throw new Error("the soak lets this thread fail");
  },
  exit: () => process.exit(7),
  spin: () => {
    for (;;);
  },
};

const channel = new BroadcastChannel("soak");
channel.onmessage = ({ data }) => {
  if (data.kind === "what do you hold") {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    channel.postMessage({ kind: "held", name, heapMb: heapUsed / 1e6, arraysMb: arrayBuffers / 1e6 });
  } else if (data.kind === "fail" && data.name === name) setImmediate(FAIL[data.how]);
};
channel.unref();
