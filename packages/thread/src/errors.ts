/** How a worker thread can end other than by having been asked to. */

/** `refused`: Node would not start a thread; `failed`: it threw, the cause says what; `exited`: it ended without a word; `hung`: its thread did nothing for too long; the deadlines: it was terminated for being late; `no-consumer`: nobody read its messages. */
export type WorkerErrorCode =
  | "refused"
  | "failed"
  | "exited"
  | "hung"
  | "start-deadline"
  | "close-deadline"
  | "no-consumer";

/**
 * Ends a worker's stream, after its thread is gone. `beforeReady` tells a worker that could not start, which it is
 * pointless to start again, from one that broke later. `cause` is the worker's own error, rebuilt.
 */
export class WorkerError extends Error {
  override readonly name = "WorkerError";
  readonly code: WorkerErrorCode;
  readonly worker: string;
  readonly beforeReady: boolean;

  constructor(code: WorkerErrorCode, worker: string, beforeReady: boolean, facts: string, cause?: Error) {
    super(`${code}: worker ${worker}${beforeReady ? ", before it was ready" : ""}: ${facts}`, { cause });
    this.code = code;
    this.worker = worker;
    this.beforeReady = beforeReady;
  }
}

/** True for a WorkerError, also for one of another copy of this package. */
export function isWorkerError(error: unknown): error is WorkerError {
  return error instanceof Error && error.name === "WorkerError" && "beforeReady" in error;
}
