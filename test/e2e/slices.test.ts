/** Threads that give way: their slices are long, so that a thread of the host which wakes up need not wait (sched_setattr(2)). /proc/PID/sched tells slices since Linux 6.12. */
import { readdirSync, readFileSync } from "node:fs";
import { expect } from "vitest";
import { kernelTest, loopbackLab, startConntrail } from "../lab/index.ts";

const LONG_NS = 100_000_000;

/** Nanoseconds; undefined where the kernel does not tell. */
function sliceOf(place: string): number | undefined {
  const [, told] = /^se\.slice\s*:\s*(\d+)/m.exec(readFileSync(`/proc/${place}/sched`, "utf8")) ?? [];
  return told === undefined ? undefined : Number(told);
}

kernelTest("the threads that read, scan and join have long slices, and no thread of the host has", async () => {
  await using lab = await loopbackLab();
  const watch = startConntrail(lab.host, ["watch", "--format", "ndjson", "--namespaces", "own", "--no-names"]);
  await watch.line((line) => line.includes('"sockets":{"state":"ok"'), 60_000);
  const threads = readdirSync(`/proc/${watch.pid}/task`).map(Number);
  const slices = threads.map((thread) => sliceOf(`${watch.pid}/task/${thread}`));
  const told = sliceOf("self");
  expect(slices.filter((slice) => slice === LONG_NS).length).toBe(told === undefined ? 0 : 3);
  expect(sliceOf(`${watch.pid}/task/${watch.pid}`)).toBe(told);
});
