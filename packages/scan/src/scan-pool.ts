/** The pool of one thread in which scans run: each with a deadline, and an end that leaves nothing behind. */
import { OpError } from "@conntrail/netlink";
import { fromFailure, workerExecArguments } from "@conntrail/thread";
import { Piscina } from "piscina";
import type { MayBeStill, ScanSettings } from "./options.ts";
import type { ScanAnswer, ScanTask } from "./scan-task.ts";

/** How long the pool waits. */
export interface ScanPoolOptions {
  readonly deadlineMs: number;
  readonly closeDeadlineMs: number;
}

/** How much longer a thread has whose first scan is not over: it may be loading native code, and a thread that is ended there takes the process with it. */
const LOADING_MS = 10_000;

/** Bounds of its heap, MiB: sockets lie outside of it; processes and descriptors are in the old generation. */
const HEAP = { maxOldGenerationSizeMb: 1024, maxYoungGenerationSizeMb: 6 } as const;

/** A pool. Its thread starts with the first scan and ends with `close`. */
export class ScanPool {
  readonly #settings: ScanSettings;
  readonly #options: ScanPoolOptions;
  readonly #pool: Piscina<ScanTask, ScanAnswer>;
  readonly #cancel = new Int32Array(new SharedArrayBuffer(4));
  #running: Promise<unknown> = Promise.resolve();
  #hasLoaded = false;
  #closed: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(settings: ScanSettings, options: ScanPoolOptions) {
    this.#settings = settings;
    this.#options = options;
    const execArgv = workerExecArguments();
    this.#pool = new Piscina({
      filename: new URL("./scan-task.js", import.meta.url).href,
      name: "scan",
      ...(execArgv === undefined ? {} : { execArgv }),
      resourceLimits: HEAP,
      // Started by the first scan, so that there is one to wait for while the thread loads; it stays.
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: Infinity,
      // A thread that waits by Atomics.wait hears nothing else; one wake-up per scan is no cost worth saving.
      atomics: "disabled",
    });
    // Without a task to blame, the pool says it here; the next scan reports it.
    this.#pool.on("error", (error: Error) => {
      this.#failure ??= error;
    });
  }

  /** One scan. Rejects with OpError: what the scan itself failed with, ETIMEDOUT at the deadline, EPIPE when the thread died. A bug rejects as what it is. */
  async scan(record: boolean, mayBeStill?: MayBeStill): Promise<ScanAnswer & { kind: "scanned" | "still" }> {
    const answer = await this.#run({ settings: this.#settings, record, mayBeStill, cancel: this.#cancel });
    if (answer.kind === "scanned" || answer.kind === "still") return answer;
    throw new TypeError("a scan was answered by something else");
  }

  /** Looks at single ends, between two scans. Rejects like `scan`. The rows are the thread's from now on. */
  async look(ends: { rows: Uint32Array; count: number }): Promise<ScanAnswer & { kind: "looked" }> {
    const answer = await this.#run({
      settings: this.#settings,
      record: false,
      mayBeStill: undefined,
      cancel: this.#cancel,
      ends,
    });
    if (answer.kind === "looked") return answer;
    throw new TypeError("a look was answered by something else");
  }

  async #run(task: ScanTask): Promise<ScanAnswer> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), this.#options.deadlineMs);
    try {
      if (this.#failure !== undefined) throw this.#failure;
      const answer = this.#pool.run(task, { signal: deadline.signal });
      this.#running = answer.catch(() => undefined);
      const given = await answer;
      this.#hasLoaded = true;
      return succeeded(given);
    } catch (error) {
      throw this.#classify(error, deadline.signal.aborted);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Ends the thread: a scan under way stops at its next step, and at the deadline by force. Idempotent, never rejects. A thread that hangs
   * inside the kernel cannot be ended by anyone: it is waited for once more as long, and then left to end by itself.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    Atomics.store(this.#cancel, 0, 1);
    await this.#within(this.#running, this.#hasLoaded ? 0 : LOADING_MS);
    if (this.#hasLoaded && this.#pool.threads.length > 0) await this.#within(this.#end());
    await this.#within(this.#pool.destroy());
  }

  /** The thread ends in the middle of the task, which the pool takes for a failure. */
  async #end(): Promise<void> {
    const task = { settings: this.#settings, record: false, mayBeStill: undefined, cancel: this.#cancel, end: true };
    await this.#pool.run(task).catch(() => undefined);
  }

  async #within(end: Promise<unknown>, longerMs = 0): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise((resolve) => {
      timer = setTimeout(resolve, this.#options.closeDeadlineMs + longerMs);
    });
    await Promise.race([end, deadline]);
    clearTimeout(timer);
  }

  #classify(error: unknown, late: boolean): unknown {
    if (late) {
      const detail = `no answer within ${this.#options.deadlineMs} ms`;
      return new OpError("scan", "ETIMEDOUT", { detail, cause: error });
    }
    // What came as data is an error of the scan; whatever else rejects is the pool's word that the thread is gone.
    if (error instanceof ScanFailure) return error.cause;
    return new OpError("scan thread", "EPIPE", { detail: "it ended during a scan", cause: error });
  }
}

/** Tells the scan's own errors from the pool's. */
class ScanFailure extends Error {}

function succeeded(answer: ScanAnswer): ScanAnswer {
  if (answer.kind === "failed") throw new ScanFailure("scan", { cause: fromFailure(answer.failure) });
  return answer;
}
