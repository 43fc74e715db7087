/** The life of a worker thread, one failure each. The workers are the files in ./workers. */
import {
  isWorkerError,
  type WorkerError,
  type WorkerStream,
  type WorkerStreamOptions,
  workerStream,
} from "@conntrail/thread";
import { firstValueFrom, lastValueFrom, take, toArray } from "rxjs";
import { describe, expect, test } from "vitest";
import { compileWorker } from "./compile-worker.ts";

/** For a machine that is busy with other things. */
const PATIENTLY = { timeout: 15_000 };

type Any = WorkerStream<unknown, unknown>;

const start = (file: string, options: WorkerStreamOptions = {}): Any =>
  workerStream(new URL(`./workers/${file}`, import.meta.url), { name: file, ...options });

const all = (worker: Any): Promise<unknown[]> => lastValueFrom(worker.messages$.pipe(toArray()), { defaultValue: [] });

const failureOf = async (worker: Any): Promise<WorkerError> => {
  const error: unknown = await all(worker).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(isWorkerError(error)).toBe(true);
  expect(worker.state).toBe("closed"); // a stream ends only after its thread has
  return error as WorkerError;
};

describe("a worker that behaves", () => {
  test("starts, answers commands in order, and says its last word before the stream completes", async () => {
    const worker = start("echo.js");
    expect(worker.state).toBe("starting");
    const messages = all(worker);
    worker.post("one"); // before ready: it waits
    worker.post("two");
    await expect.poll(() => worker.state, PATIENTLY).toBe("ready");
    const closed = worker.close();
    expect(worker.state).toBe("draining");
    await closed;
    expect(worker.state).toBe("closed");
    expect(await messages).toEqual(["one", "two", "bye"]);
  });

  test("gets its data, and buffers move in both directions", async () => {
    const buffer = Uint8Array.of(1, 2, 3).buffer;
    const worker = start("echo.js", { workerData: { some: "data" } });
    const messages = firstValueFrom(worker.messages$.pipe(take(2), toArray()), { defaultValue: [] });
    worker.post(buffer, [buffer]);
    expect(buffer.byteLength).toBe(0);
    const [data, back] = await messages;
    expect(data).toEqual({ some: "data" });
    expect(new Uint8Array(back as ArrayBuffer)).toEqual(Uint8Array.of(1, 2, 3));
    await worker.close();
  });

  test("is closed when its consumer unsubscribes", async () => {
    const worker = start("echo.js", { workerData: "first" });
    expect(await firstValueFrom(worker.messages$, { defaultValue: "none" })).toBe("first");
    expect(worker.state).toBe("draining");
    await worker.close();
    expect(worker.state).toBe("closed");
  });

  test("takes no command once it is draining, and close() is idempotent", async () => {
    const worker = start("echo.js");
    const messages = all(worker);
    const buffer = new ArrayBuffer(8);
    const first = worker.close();
    expect(worker.post(buffer, [buffer])).toBe(false);
    expect(buffer.byteLength).toBe(8);
    await Promise.all([first, worker.close(), worker[Symbol.asyncDispose]()]);
    await worker.close();
    expect(worker.post("late")).toBe(false);
    expect(await messages).toEqual(["bye"]);
  });

  test("keeps what it said before anyone listened, for one consumer only", async () => {
    const worker = start("talks.js", { workerData: 3 });
    await expect.poll(() => worker.state, PATIENTLY).toBe("ready"); // all three were said before
    const messages = all(worker);
    await expect(all(worker)).rejects.toThrow(TypeError);
    await worker.close();
    expect(await messages).toEqual([0, 1, 2]);
  });

  test("gets the commands that were posted while it set itself up, in order, once it listens", async () => {
    const worker = start("starts-slowly.js");
    const messages = all(worker);
    for (let i = 0; i < 1_000; i++) worker.post(i);
    await expect.poll(() => worker.state, PATIENTLY).toBe("ready");
    worker.post(1_000);
    await worker.close();
    expect(await messages).toEqual(Array.from({ length: 1_001 }, (_, i) => i));
  });

  test("is heard to the end: all that it emits in its cleanup arrives before the stream completes", async () => {
    const worker = start("parts-slowly.js", { workerData: 1_000 });
    const messages = all(worker);
    await expect.poll(() => worker.state, PATIENTLY).toBe("ready");
    await worker.close();
    const firsts = (await messages).map((buffer) => new Uint32Array(buffer as ArrayBuffer)[16_383]);
    expect(firsts).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
  });

  test("written in TypeScript runs from its compiled file", async () => {
    const worker = workerStream<{ ask: number }, { answer: number }>(compileWorker("typed-echo.ts"), {
      workerData: { factor: 6 },
    });
    const answer = firstValueFrom(worker.messages$, { defaultValue: undefined });
    worker.post({ ask: 7 });
    expect(await answer).toEqual({ answer: 42 });
    await worker.close();
  });
});

describe("a worker that cannot start", () => {
  test("and throws has failed before ready; its error arrives with op, errno and cause", async () => {
    const error = await failureOf(start("throws-early.js"));
    expect(error).toMatchObject({ code: "failed", beforeReady: true, worker: "throws-early.js" });
    expect(error.cause).toMatchObject({
      name: "OpError",
      op: "open conntrack",
      errno: "EPERM",
      message: "open conntrack: EPERM",
    });
    expect((error.cause as Error).cause).toMatchObject({ code: "EPERM", syscall: "socket" });
    expect((error.cause as Error).stack).toContain("throws-early.js");
  });

  test("because its module throws has failed before ready", async () => {
    const error = await failureOf(start("throws-at-import.js"));
    expect(error).toMatchObject({ code: "failed", beforeReady: true });
    expect(error.message).toContain("no module today");
  });

  test("because its file is missing has failed before ready", async () => {
    const error = await failureOf(start("no-such-file.js"));
    expect(error).toMatchObject({ code: "failed", beforeReady: true });
    expect(error.cause).toMatchObject({ code: expect.stringMatching(/MODULE_NOT_FOUND$/) });
  });

  test("and ends without a word has exited", async () => {
    expect(await failureOf(start("exits-early.js"))).toMatchObject({ code: "exited", beforeReady: true });
  });

  test("within the deadline has failed before ready, and is terminated when it does not stop either", async () => {
    const error = await failureOf(start("never-ready.js", { startDeadlineMs: 200, closeDeadlineMs: 200 }));
    expect(error).toMatchObject({ code: "start-deadline", beforeReady: true });
  });

  test("before more commands have come than may wait has failed", async () => {
    const worker = start("starts-slowly.js");
    for (let i = 0; i < 1_001; i++) worker.post(i);
    expect((await failureOf(worker)).cause).toMatchObject({ name: "RangeError" });
  });

  test("and is closed meanwhile is waited for beyond the deadline of a close: it may be loading native code, which cannot be broken off", async () => {
    const worker = start("starts-slowly.js", { closeDeadlineMs: 1 });
    const messages = all(worker);
    await worker.close();
    expect(await messages).toEqual([]);
  });

  test("and is still loading when all its deadlines are over is not terminated within it: native code that is broken off takes the process with it", async () => {
    const began = performance.now();
    const worker = start("loads-slowly.js", { startDeadlineMs: 100, closeDeadlineMs: 1 });
    expect(await failureOf(worker)).toMatchObject({ code: "start-deadline" });
    expect(performance.now() - began).toBeGreaterThan(1_400);
  });

  test("and is closed meanwhile stops early when its setup heeds the signal", async () => {
    const worker = start("obeys-early.js", { closeDeadlineMs: 20_000 });
    const messages = all(worker);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(worker.state).toBe("starting");
    await worker.close();
    expect(await messages).toEqual([]);
  });
});

describe("a worker that breaks later", () => {
  test("N22 by an endless loop has hung: it is terminated within a deadline, although it says nothing", async () => {
    const worker = start("spins.js", { hangDeadlineMs: 4_000, closeDeadlineMs: 200 });
    await expect.poll(() => worker.state, PATIENTLY).toBe("ready");
    worker.post("go");
    const error = await failureOf(worker);
    expect(error).toMatchObject({ code: "hung", beforeReady: false });
    expect(error.message).toContain("has done nothing for 4 s");
  }, 30_000);

  for (const way of ["throw", "reject", "fail"]) {
    test(`by ${way} cleans up, then errors the stream with its own error as cause`, async () => {
      const worker = start("throws-later.js");
      const seen: unknown[] = [];
      const ended = new Promise((resolve) =>
        worker.messages$.subscribe({ next: (message) => seen.push(message), error: resolve }),
      );
      worker.post(way);
      expect(await ended).toMatchObject({
        code: "failed",
        beforeReady: false,
        cause: { name: "TypeError", message: "a bug" },
      });
      expect(seen).toEqual(["cleaned up"]);
    });
  }

  test("by emitting what cannot be cloned has failed", async () => {
    const worker = start("throws-later.js");
    worker.post("unsendable");
    const error = await failureOf(worker);
    expect(error).toMatchObject({ code: "failed", beforeReady: false, cause: { name: "DataCloneError" } });
  });

  test("by exiting without `stopped` has failed, and what it said before is delivered", async () => {
    const worker = start("exits.js");
    const seen: unknown[] = [];
    const ended = new Promise((resolve) =>
      worker.messages$.subscribe({ next: (message) => seen.push(message), error: resolve }),
    );
    expect(await ended).toMatchObject({ code: "exited", beforeReady: false });
    expect(seen).toEqual(["last words"]);
  });

  test("by outgrowing its memory has failed, and the host lives on", async () => {
    const worker = start("eats-memory.js", { resourceLimits: { maxOldGenerationSizeMb: 16 } });
    worker.post("eat");
    const error = await failureOf(worker);
    expect(error).toMatchObject({ code: "failed", cause: { code: "ERR_WORKER_OUT_OF_MEMORY" } });
  });

  test("by talking to nobody is closed", async () => {
    const worker = start("talks.js", { workerData: 101 });
    await expect.poll(() => worker.state, PATIENTLY).toBe("closed");
    expect(await failureOf(worker)).toMatchObject({ code: "no-consumer" });
  });
});

describe("a worker that does not want to stop", () => {
  for (const file of ["slow-stop.js", "spins.js"]) {
    test(`(${file}) is terminated at the deadline, and the stream says so`, async () => {
      const worker = start(file, { closeDeadlineMs: 200 });
      const ended = failureOf(worker);
      await expect.poll(() => worker.state, PATIENTLY).toBe("ready");
      worker.post("go");
      const began = performance.now();
      await worker.close();
      expect(performance.now() - began).toBeLessThan(1_000);
      expect(await ended).toMatchObject({ code: "close-deadline", beforeReady: false });
    });
  }

  test("because its cleanup fails errors the stream with that failure", async () => {
    const worker = start("throws-stopping.js");
    const ended = failureOf(worker);
    await worker.close();
    expect((await ended).cause).toMatchObject({ message: "cannot let go" });
  });

  test("because of a forgotten timer ends all the same, well before the deadline", async () => {
    const worker = start("leaves-timer.js", { closeDeadlineMs: 20_000 });
    const messages = all(worker);
    await worker.close();
    expect(await messages).toEqual([]);
  });
});
