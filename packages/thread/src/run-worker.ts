/**
 * The worker's side of the lifecycle: runs a setup function, says `ready`, passes commands in and messages out, and on
 * `stop` or on a failure cleans up and ends the thread. What belongs to the process and not to the thread (raw file
 * descriptors) must be released by the cleanup: a thread that is terminated leaves it open.
 */
import { setPriority } from "node:os";
import { parentPort, type TransferListItem, workerData } from "node:worker_threads";
import { type Observable, Subject } from "rxjs";
import { toFailure } from "./failure.ts";
import { beat } from "./heartbeat.ts";
import type { FromWorker, ThreadState, ToWorker, WorkerStart } from "./protocol.ts";

/** Releases what the setup has opened. It may still emit; what it emits is delivered before the stream ends. */
export type Cleanup = () => void | Promise<void>;

/** What a worker has to work with. */
export interface WorkerContext<Command, Message, Data> {
  readonly workerData: Data;
  /** The commands in the order of their posting, from the end of the setup on: those that came earlier have waited. Completes at the stop. */
  readonly commands$: Observable<Command>;
  /** Sends a message to the host; what is in `transfer` moves and is empty here afterwards. */
  readonly emit: (message: Message, transfer?: readonly TransferListItem[]) => void;
  /** Ends the worker as failed, after its cleanup. The same as an uncaught error, for where an error arrives in a callback. */
  readonly fail: (error: unknown) => void;
  /** Aborted when the worker is to stop, before the cleanup runs. */
  readonly signal: AbortSignal;
}

/** Commands that wait for the setup; more are a failure. */
const MAX_EARLY_COMMANDS = 1_000;

/**
 * Runs `setup` once; when it has returned (or its promise has) the worker is ready. When it throws, the worker has
 * failed before ready. An uncaught error or rejection at any later time fails the worker too. Throws a TypeError when
 * called outside a worker thread.
 */
export function runWorker<Command, Message, Data = unknown>(
  setup: (context: WorkerContext<Command, Message, Data>) => Cleanup | Promise<Cleanup>,
): void {
  if (parentPort === null) throw new TypeError("runWorker: not in a worker thread");
  const port = parentPort;
  const { data, beats, nice } = workerData as WorkerStart<Data>;
  const commands$ = new Subject<Command>();
  const early: Command[] = [];
  const stop = new AbortController();
  let state: ThreadState = "starting";
  let failed = false;

  const send = (message: FromWorker<Message>, transfer: readonly TransferListItem[] = []): void =>
    port.postMessage(message, transfer);
  const reportFailure = (error: unknown): void => {
    failed = true;
    send({ kind: "failure", failure: toFailure(error) });
  };
  const fail = (error: unknown): void => {
    reportFailure(error);
    void drain();
  };

  beat(beats);
  process.on("uncaughtException", fail); // unhandled rejections arrive here too
  port.on("message", (message: ToWorker<Command>) => {
    if (message.kind === "stop") void drain();
    else if (state === "ready") commands$.next(message.command);
    else if (state === "starting" && early.push(message.command) > MAX_EARLY_COMMANDS)
      fail(new RangeError(`more than ${MAX_EARLY_COMMANDS} commands before the worker was ready`));
  });

  const started = Promise.resolve().then(start); // not at once: a failing setup drains, and draining awaits it

  async function start(): Promise<Cleanup | undefined> {
    try {
      const cleanup = await setup({
        workerData: data,
        commands$: commands$.asObservable(),
        emit: (message, transfer) => send({ kind: "message", message }, transfer),
        fail,
        signal: stop.signal,
      });
      if (state === "starting") becomeReady();
      return cleanup;
    } catch (error) {
      const obeyed = stop.signal.aborted && error instanceof Error && error.name === "AbortError";
      if (!obeyed) fail(error);
      return undefined;
    }
  }

  function becomeReady(): void {
    send({ kind: "ready" });
    state = "ready";
    // Of this thread alone (setpriority(2): on Linux it is per thread), and not before: on a busy host it would hardly come to being ready.
    if (nice > 0) setPriority(nice);
    for (const command of early.splice(0)) commands$.next(command);
  }

  /** Never rejects: what goes wrong on the way out is one more failure, and the host holds the deadline. */
  async function drain(): Promise<void> {
    if (state === "draining" || state === "closed") return;
    state = "draining";
    stop.abort();
    commands$.complete();
    try {
      const cleanup = await started;
      await cleanup?.();
    } catch (error) {
      reportFailure(error);
    }
    state = "closed";
    if (!failed) send({ kind: "stopped" });
    process.exit(failed ? 1 : 0); // ends this thread only, with any timer or handle left in it
  }
}
