/**
 * Sends batches in order, one at a time. While the server is away they wait, the first few in memory and the rest in the spool; they
 * are tried again with back-off. A batch is removed only when the server has it, and its token makes a second sending harmless.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Batch } from "./batch.ts";
import type { Spool } from "./spool.ts";
import { isPassing, type StoreError, toStoreError } from "./store-error.ts";

/** What a sender tells about itself. */
export interface StoreStatus {
  readonly state: "ok" | "away" | "failed" | "closed";
  /** Why it is not ok. */
  readonly error: StoreError | undefined;
  readonly sentRows: number;
  readonly waitingRows: number;
  /** Rows that found no room in the spool, or that the server will never take. */
  readonly lostRows: number;
}

/** What a sender needs. */
export interface SenderOptions {
  readonly insert: (batch: Batch, signal: AbortSignal) => Promise<void>;
  readonly spool: Spool | undefined;
  /** Batches that may wait in memory. */
  readonly memoryBatches: number;
  /** First wait after a failure; doubled up to `maxBackoffMs`. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** Called at every change of `state`. */
  readonly onStatus: (status: StoreStatus) => void;
}

/** The queue and its loop. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #abort = new AbortController();
  readonly #memory: Batch[] = [];
  /** The batch under way when it came from memory: not in `#memory` any more, and not in the spool. */
  #current: Batch | undefined;
  #state: StoreStatus["state"] = "ok";
  #error: StoreError | undefined;
  #sentRows = 0;
  #lostRows = 0;
  #running: Promise<void> | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  get status(): StoreStatus {
    const { spool } = this.#options;
    return {
      state: this.#state,
      error: this.#error,
      sentRows: this.#sentRows,
      waitingRows: this.#memory.reduce((sum, { rows }) => sum + rows, this.#current?.rows ?? 0) + (spool?.rows ?? 0),
      lostRows: this.#lostRows + (spool?.lostRows ?? 0),
    };
  }

  /** Takes a batch; resolves when it is in memory or on disk, never later. */
  async push(batch: Batch): Promise<void> {
    this.#memory.push(batch);
    this.#start();
    if (this.#memory.length > this.#options.memoryBatches) await this.#spill();
  }

  /** Begins with what an earlier run left in the spool. */
  async resume(): Promise<void> {
    await this.#options.spool?.open();
    if ((this.#options.spool?.length ?? 0) > 0) this.#start();
  }

  /** Sends what waits until the deadline, then keeps the rest in the spool (without one it is lost and counted). */
  async close(deadlineMs: number): Promise<void> {
    const timer = setTimeout(() => this.#abort.abort(), deadlineMs);
    await this.#running;
    clearTimeout(timer);
    this.#abort.abort();
    if (this.#current !== undefined) this.#memory.unshift(this.#current);
    this.#current = undefined;
    await this.#spill();
    this.#set("closed", this.#error);
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Moves everything in memory behind what is in the spool; what is under way stays before both. */
  async #spill(): Promise<void> {
    const { spool } = this.#options;
    while (this.#memory.length > 0) {
      const batch = this.#memory.shift()!;
      try {
        if (spool === undefined) throw toStoreError(new Error("no spool: the rows are lost"));
        await spool.push(batch);
      } catch (error) {
        this.#lostRows += batch.rows;
        this.#set("failed", toStoreError(error));
      }
    }
  }

  async #run(): Promise<void> {
    const { spool, insert, backoffMs, maxBackoffMs } = this.#options;
    const { signal } = this.#abort;
    let waitMs = backoffMs;
    while (!signal.aborted) {
      const spooled = this.#current === undefined && spool !== undefined ? await spool.peek() : undefined;
      if (spooled === undefined) this.#current ??= this.#memory.shift();
      const batch = spooled ?? this.#current;
      if (batch === undefined) return;
      try {
        await insert(batch, signal);
        this.#sentRows += batch.rows;
        waitMs = backoffMs;
        this.#set("ok", undefined);
      } catch (cause) {
        const error = toStoreError(cause);
        if (signal.aborted) return;
        this.#set(isPassing(error) ? "away" : "failed", error);
        // What the server rejects once it will reject again; all other faults somebody can mend while the rows wait.
        if (error.code !== "rejected") {
          await sleep(waitMs, undefined, { signal }).catch(() => undefined);
          waitMs = Math.min(waitMs * 2, maxBackoffMs);
          continue;
        }
        this.#lostRows += batch.rows;
      }
      if (spooled === undefined) this.#current = undefined;
      else if (!(await spool!.remove(spooled.token))) this.#lostRows -= spooled.rows;
    }
  }

  #set(state: StoreStatus["state"], error: StoreError | undefined): void {
    const changed = state !== this.#state || error?.code !== this.#error?.code;
    this.#state = state;
    this.#error = error;
    if (changed) this.#options.onStatus(this.status);
  }
}
