/** The one clock of all threads. */
import { Worker } from "node:worker_threads";
import { steadyMs, wallAheadMs } from "@conntrail/thread/clock";
import { expect, test } from "vitest";

const CLOCK = import.meta.resolve("@conntrail/thread/clock");

/** A thread that answers each message with its clock, and starts one of its own that does the same. */
const PROGRAM = `
import { parentPort, Worker, workerData } from "node:worker_threads";
const { steadyMs } = await import(workerData.clock);
if (workerData.depth > 0) {
  const inner = new Worker(new URL(workerData.program), { workerData: { ...workerData, depth: workerData.depth - 1 } });
  inner.on("message", (timeMs) => parentPort.postMessage(timeMs));
  parentPort.on("message", (message) => (message === "end" ? process.exit() : inner.postMessage(message)));
} else parentPort.on("message", () => parentPort.postMessage(steadyMs()));
`;

test("what threads read lies between what is read before and after, in every thread below", async () => {
  const program = `data:text/javascript,${encodeURIComponent(PROGRAM)}`;
  const worker = new Worker(new URL(program), { workerData: { clock: CLOCK, program, depth: 1 } });
  try {
    for (let i = 0; i < 200; i++) {
      const beforeMs = steadyMs();
      const answer = new Promise<number>((resolve) => {
        worker.once("message", resolve);
      });
      worker.postMessage("time");
      const timeMs = await answer;
      expect(timeMs).toBeGreaterThanOrEqual(beforeMs);
      expect(timeMs).toBeLessThanOrEqual(steadyMs());
    }
  } finally {
    worker.postMessage("end");
    await worker.terminate();
  }
});

test("a time is a whole number of microseconds, so that a recording gives the same number back", () => {
  for (let i = 0; i < 1000; i++) {
    const timeMs = steadyMs();
    expect(Math.round(timeMs * 1000) / 1000).toBe(timeMs);
  }
});

test("F60 a wall clock that was not set is not ahead; one that was is, until it is set again", () => {
  expect(wallAheadMs(0)).toBe(0);
  expect(Math.abs(wallAheadMs(3_600_000))).toBeLessThan(10);
});
