/**
 * What a host and its worker say to each other over the worker's own port (`worker_threads` in Node's manual). The
 * first thing a worker says is `ready` or `failure`, the last is `stopped` or `failure`; a thread that ends without
 * either of the last two has failed.
 */
import type { Failure } from "./failure.ts";

/** The life of a thread, in this order, on both sides: `draining` from the wish to stop until the thread is gone. */
export type ThreadState = "starting" | "ready" | "draining" | "closed";

/** Host to worker. `stop` is said once, and no command follows it. */
export type ToWorker<Command> = { readonly kind: "command"; readonly command: Command } | { readonly kind: "stop" };

/** Worker to host. */
export type FromWorker<Message> =
  | { readonly kind: "ready" }
  | { readonly kind: "message"; readonly message: Message }
  | { readonly kind: "failure"; readonly failure: Failure }
  | { readonly kind: "stopped" };

/** What a worker is started with: the data that it was given, and what both sides of the lifecycle share. */
export interface WorkerStart<Data> {
  readonly data: Data;
  /** Where it beats (heartbeat.ts). */
  readonly beats: Int32Array;
  /** How far its thread gives way to others once it is ready (nice(2)), 0 to 19. */
  readonly nice: number;
}
