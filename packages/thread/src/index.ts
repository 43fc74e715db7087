/** A worker thread as an Observable, in reading order: what the host holds, what the worker runs, how failures cross. */
export { isWorkerError, WorkerError, type WorkerErrorCode } from "./errors.ts";
export { workerExecArguments } from "./exec-arguments.ts";
export { type Failure, fromFailure, toFailure } from "./failure.ts";
export type { ThreadState } from "./protocol.ts";
export { type Cleanup, runWorker, type WorkerContext } from "./run-worker.ts";
export { type WorkerStream, type WorkerStreamOptions, workerStream } from "./worker-stream.ts";
