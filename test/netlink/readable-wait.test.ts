/** A thread that sleeps until a descriptor is readable: what wakes it. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { ReadableWait } from "@conntrail/netlink/socket";
import { expect, test } from "vitest";

/** A worker that waits for a FIFO, and its messages in order. */
class Waiter implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "conntrail-wait-"));
  readonly fifo = join(this.folder, "fifo");
  readonly worker: Worker;
  readonly #messages: unknown[] = [];
  #arrived = (): void => {};

  constructor() {
    execFileSync("mkfifo", [this.fifo]);
    const file = fileURLToPath(new URL("./workers/wait-readable.mjs", import.meta.url));
    this.worker = new Worker(file, { workerData: { fifo: this.fifo } });
    this.worker.on("message", (message: unknown) => {
      this.#messages.push(message);
      this.#arrived();
    });
  }

  async next(): Promise<unknown> {
    while (this.#messages.length === 0) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    return this.#messages.shift();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.terminate();
    rmSync(this.folder, { recursive: true });
  }
}

test("a wait ends when a descriptor is readable, and says which", async () => {
  await using waiter = new Waiter();
  expect(await waiter.next()).toEqual({ waiting: true });
  writeFileSync(waiter.fifo, "x");
  expect(await waiter.next()).toEqual({ ready: [0] });
});

test("a message to the thread ends its wait, and is received before the next", async () => {
  await using waiter = new Waiter();
  expect(await waiter.next()).toEqual({ waiting: true });
  waiter.worker.postMessage("on");
  expect(await waiter.next()).toEqual({ ready: [] });
  expect(await waiter.next()).toEqual({ waiting: true });
});

test("a thread that waits can be terminated", async () => {
  await using waiter = new Waiter();
  expect(await waiter.next()).toEqual({ waiting: true });
  // The wait would last a minute, the test half of that.
  expect(await waiter.worker.terminate()).toBe(1);
}, 30_000);

test("a wait for nothing ends when its time is over", () => {
  expect(ReadableWait.open()!.wait([], 1)).toEqual([]);
});

test("a descriptor that is none is told as readable: whoever reads it learns why", () => {
  expect(ReadableWait.open()!.wait([1_000_000], 20_000)).toEqual([0]);
});
