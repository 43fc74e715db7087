// Starts a reporter with all its sources and closes it once its sources were heard, so many times as its argument says. Prints what the process had after the first cycles and at the end, as JSON.
import { readdirSync, readFileSync } from "node:fs";
import { createReporter } from "@conntrail/reporter";

const cycles = Number(process.argv[2]);
const WARM_UP = 2;

async function cycle() {
  const reporter = createReporter({ namespaces: "own", names: false, intervalMs: 500 });
  await reporter.ready;
  await reporter.close();
}

/** Once what ends by itself has ended: a descriptor of a thread may be closed a little after it. */
async function held() {
  let last = "";
  for (let look = 0; look < 100; look++) {
    const now = JSON.stringify({ descriptors: entries("fd"), threads: entries("task") });
    if (now === last) break;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  globalThis.gc?.();
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"));
  return { ...JSON.parse(last), heapMb: process.memoryUsage().heapUsed / 1e6, residentMb: (kibibytes * 1024) / 1e6 };
}

function entries(folder) {
  return readdirSync(`/proc/self/${folder}`).length;
}

for (let i = 0; i < WARM_UP; i++) await cycle();
const before = await held();
for (let i = 0; i < cycles; i++) await cycle();
console.log(JSON.stringify({ before, after: await held() }));
