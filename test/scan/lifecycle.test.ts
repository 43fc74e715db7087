import { on } from "node:events";
import { closeSync, constants, openSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { SocketTable } from "@conntrail/model";
import { assembleSocketTable, type ScanRecord, scanSockets } from "@conntrail/scan";
import { lastValueFrom, type Observable, Subject, take, tap, toArray } from "rxjs";
import { describe, expect, test } from "vitest";
import { mustRun } from "../lab/command.ts";
import { Program } from "../lab/program.ts";
import { unpackProcTree } from "../procfs/proc-tree.ts";
import { socketLines } from "./rows.ts";

function program(name: string): string {
  return fileURLToPath(new URL(`./programs/${name}.mjs`, import.meta.url));
}

/** All values of a stream that ends; rejects with its error. */
function all<T>(stream: Observable<T>): Promise<T[]> {
  return lastValueFrom(stream.pipe(toArray()), { defaultValue: [] });
}

/** The first value, for a stream that has one. */
async function first<T>(stream: Observable<T>): Promise<T> {
  const [value] = await all(stream.pipe(take(1)));
  return value!;
}

/** Threads of this process. Those of libuv and V8 are there from the start, a pool's is not. */
function threads(): number {
  return readdirSync("/proc/self/task").length;
}

/** Waits until there are as many threads as before. */
async function threadsAre(count: number, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (threads() > count && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(threads()).toBeLessThanOrEqual(count);
}

/** How many threads there are when those are up that Node starts when they are first needed, and those of earlier tests are gone. */
async function settledThreads(): Promise<number> {
  await first(scanSockets());
  let [count, since] = [threads(), performance.now()];
  while (performance.now() - since < 500) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (threads() !== count) [count, since] = [threads(), performance.now()];
  }
  return count;
}

describe("the stream of tables", () => {
  test("S19 comes from a thread of its own, the first table at once, the next after the interval", async () => {
    const began = Date.now();
    const tables = await all(scanSockets({ intervalMs: 300, namespaces: "own" }).pipe(take(3)));
    expect(tables.map(({ health }) => health.scans)).toEqual([1, 2, 3]);
    expect(tables[2]!.startedMs - tables[1]!.startedMs).toBeGreaterThanOrEqual(290);
    for (const { startedMs, timeMs, health, rows } of tables) {
      expect(startedMs).toBeGreaterThanOrEqual(began);
      expect(timeMs).toBeGreaterThanOrEqual(startedMs);
      expect(health.durationMs).toBeGreaterThan(0);
      expect(rows).toBeInstanceOf(Uint32Array);
    }
  });

  test("unsubscribing in the middle of a scan leaves no thread behind", async () => {
    const before = await settledThreads();
    for (const afterMs of [0, 50, 200]) {
      const subscription = scanSockets({ intervalMs: 10, cpuBudget: 1 }).subscribe({
        error: () => expect.unreachable(),
      });
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      subscription.unsubscribe();
    }
    await threadsAre(before, 6000);
  });

  test("stop$ completes it, and then its thread is gone", async () => {
    const before = await settledThreads();
    const stop$ = new Subject<void>();
    const seen: number[] = [];
    const stopAfterTwo = tap<SocketTable>(({ health }) => {
      if (seen.push(health.scans) === 2) stop$.next();
    });
    const tables = await all(scanSockets({ intervalMs: 20, cpuBudget: 1, stop$ }).pipe(stopAfterTwo));
    expect(tables.map(({ health }) => health.scans)).toEqual([1, 2]);
    await threadsAre(before, 200);
  });

  test("a request brings a table without waiting for the interval", async () => {
    const trigger$ = new Subject<void>();
    const tables = all(scanSockets({ intervalMs: 60_000, trigger$ }).pipe(take(2)));
    await new Promise((resolve) => setTimeout(resolve, 800));
    trigger$.next();
    expect((await tables).length).toBe(2);
  });

  test("the tap is given everything that a scan took in, before its table, and the same table follows from it", async () => {
    const seen: (ScanRecord | string)[] = [];
    const table = await first(scanSockets({ tap: (record) => void seen.push(record) }));
    const [record] = seen as ScanRecord[];
    expect(record!.dumps.length).toBeGreaterThan(0);
    expect(socketLines(assembleSocketTable(record!))).toEqual(socketLines(table));
  });

  test("F13 a scan that hangs is given up at its deadline with ETIMEDOUT, and does not keep the stream from ending", async () => {
    using tree = unpackProcTree("pods");
    // Opening a pipe that nobody writes to blocks in the kernel, where no thread can be ended.
    tree.remove("1061/net/tcp");
    const pipe = `${tree.root}/1061/net/tcp`;
    await mustRun("mkfifo", [pipe]);
    const began = performance.now();
    const hung = first(scanSockets({ root: tree.root, backend: "proc", deadlineMs: 400, closeDeadlineMs: 200 }));
    await expect(hung).rejects.toMatchObject({ name: "OpError", op: "scan", errno: "ETIMEDOUT" });
    expect(performance.now() - began).toBeLessThan(2500);
    closeSync(openSync(pipe, constants.O_RDWR)); // Lets the thread go.
  });

  test("runs inside a worker thread, and ending that one in the middle of scans takes the scan's thread with it", async () => {
    const before = await settledThreads();
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(program("scans-in-worker"));
      const messages = on(worker, "message");
      for (let tables = 0; tables < 2; tables++) expect((await messages.next()).value[0]).toBeGreaterThanOrEqual(0);
      await worker.terminate();
    }
    await threadsAre(before, 6000);
  });

  test("a thread that dies is an OpError, after which nothing is left running", async () => {
    const dying = ["--import", program("dying-thread"), program("scan-until-error")];
    await using running = new Program(process.execPath, dying);
    const said = await running.json<{ tables: number }>();
    expect(said).toMatchObject({ name: "OpError", op: "scan thread", errno: "EPIPE" });
    expect(said.tables).toBeGreaterThan(0);
    expect(await running.exited).toMatchObject({ code: 0 });
  });

  test("what the system refuses in the thread arrives as an OpError with its operation and C name", async () => {
    using tree = unpackProcTree("pods");
    tree.remove("1061/net/tcp");
    tree.write("1061/net/tcp/inside", "a folder where a file should be");
    const stream = first(scanSockets({ root: tree.root, backend: "proc" }));
    await expect(stream).rejects.toMatchObject({ name: "OpError", op: "read", errno: "EISDIR" });
  });
});
