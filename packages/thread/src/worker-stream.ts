/**
 * The host's side of a worker thread: starting → ready → draining → closed, one variable. Every way a thread can end
 * leads to one place, its `exit` event; only there is the stream settled, so whoever sees it end may start the next
 * worker without meeting the old one.
 */
import { type ResourceLimits, type TransferListItem, Worker, type WorkerOptions } from "node:worker_threads";
import { Observable, type Subscriber } from "rxjs";
import { WorkerError, type WorkerErrorCode } from "./errors.ts";
import { workerExecArguments } from "./exec-arguments.ts";
import { fromFailure } from "./failure.ts";
import { hasLoaded, heartbeatMemory, watchBeats } from "./heartbeat.ts";
import type { FromWorker, ThreadState, ToWorker, WorkerStart } from "./protocol.ts";

/** `name` is for messages and debuggers. */
export interface WorkerStreamOptions {
  /** Cloned into the worker; `transfer` lists what of it moves instead. */
  readonly workerData?: unknown;
  readonly transfer?: readonly TransferListItem[];
  readonly name?: string;
  readonly resourceLimits?: ResourceLimits;
  readonly env?: NodeJS.ProcessEnv;
  /** A worker that is not ready this long after its start has failed, and is closed. */
  readonly startDeadlineMs?: number;
  /**
   * A thread that is not gone this long after `close()`, or after it failed, is terminated. One that is not ready yet has `startDeadlineMs` more, and up to two minutes
   * while its modules load: a thread that is ended within the loading of native code takes the process with it. A function is asked when the closing begins.
   */
  readonly closeDeadlineMs?: number | (() => number);
  /** A worker whose thread has done nothing for so long after it was ready has hung, and is closed. Looked at every two seconds. */
  readonly hangDeadlineMs?: number;
  /** How far its thread gives way to others once it is ready (nice(2)), 0 to 19; threads that it starts from then on do the same. Default 0. */
  readonly nice?: number;
}

const DEFAULTS = {
  name: "worker",
  startDeadlineMs: 30_000,
  closeDeadlineMs: 1_500,
  hangDeadlineMs: 10_000,
  nice: 0,
} as const;

/** How often it is looked whether a worker that is to be terminated has loaded, and for how long at the most. */
const LOOK_MS = 100;
const MOST_LOADING_MS = 120_000;

/** Messages that wait for the consumer to subscribe; more fail the worker with `no-consumer`. */
const MAX_EARLY_MESSAGES = 100;

/** A running worker. It keeps the process alive until it is closed, and not a moment longer. */
export interface WorkerStream<Command, Message> extends AsyncDisposable {
  /**
   * What the worker emits. Started by `workerStream`, not by the subscription; one consumer only, a second one gets a
   * TypeError. Completes when the worker has stopped as asked; errors with a WorkerError when it ended otherwise; both
   * only after the thread is gone. Unsubscribing closes the worker. When the consumer is slow, messages wait in
   * the port without a bound: a worker that could outrun its reader must ask for credit by commands.
   */
  readonly messages$: Observable<Message>;
  readonly state: ThreadState;
  /** Sends a command; before `ready` it waits. False, and nothing is sent or transferred, when the worker is draining or closed. */
  post(command: Command, transfer?: readonly TransferListItem[]): boolean;
  /** Asks the worker to stop and terminates it at the deadline. Idempotent; resolves when the thread is gone and never rejects. */
  close(): Promise<void>;
}

/**
 * Starts the worker whose module is at `url`; the module calls `runWorker`. Workers may start workers: a terminated one takes its own with it.
 * Throws a WorkerError (`refused`) when Node does not start a thread at all.
 */
export function workerStream<Command, Message>(
  url: URL,
  options: WorkerStreamOptions = {},
): WorkerStream<Command, Message> {
  return new HostedWorker<Command, Message>(url, options);
}

class HostedWorker<Command, Message> implements WorkerStream<Command, Message> {
  readonly messages$: Observable<Message> = new Observable((subscriber) => this.#attach(subscriber));
  readonly #options: WorkerStreamOptions & Required<Pick<WorkerStreamOptions, keyof typeof DEFAULTS>>;
  readonly #worker: Worker;
  readonly #gone: Promise<void>;
  #state: ThreadState = "starting";
  #wasReady = false;
  #stopped = false;
  #failure: WorkerError | undefined;
  #deadline: NodeJS.Timeout;
  readonly #beats = heartbeatMemory();
  #watch: { stop(): void } | undefined;
  #consumer: Subscriber<Message> | undefined;
  #early: Message[] = [];

  constructor(url: URL, options: WorkerStreamOptions) {
    this.#options = { ...DEFAULTS, ...options };
    const { workerData, transfer, name, resourceLimits, env, nice } = this.#options;
    const start: WorkerStart<unknown> = { data: workerData, beats: this.#beats, nice };
    const execArgv = workerExecArguments();
    this.#worker = startThread(url, {
      workerData: start,
      name,
      ...(execArgv === undefined ? {} : { execArgv }),
      ...(transfer === undefined ? {} : { transferList: [...transfer] }),
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
      ...(env === undefined ? {} : { env }),
    });
    this.#deadline = this.#after(this.#options.startDeadlineMs, (facts) => this.#giveUp("start-deadline", facts));
    this.#worker.on("message", (message: FromWorker<Message>) => this.#receive(message));
    this.#worker.on("messageerror", (error) => this.#giveUp("failed", `a message cannot be read: ${error.message}`));
    this.#worker.on("error", (error) => this.#fail("failed", error.message, error));
    this.#gone = new Promise((resolve) => {
      this.#worker.on("exit", (exitCode) => {
        this.#settle(exitCode);
        resolve();
      });
    });
  }

  get state(): ThreadState {
    return this.#state;
  }

  post(command: Command, transfer: readonly TransferListItem[] = []): boolean {
    if (this.#state === "draining" || this.#state === "closed") return false;
    this.#send({ kind: "command", command }, transfer);
    return true;
  }

  close(): Promise<void> {
    if (this.#state === "starting" || this.#state === "ready") {
      this.#drain();
      this.#send({ kind: "stop" });
    }
    return this.#gone;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #send(message: ToWorker<Command>, transfer: readonly TransferListItem[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #attach(subscriber: Subscriber<Message>): () => void {
    if (this.#consumer !== undefined) throw new TypeError(`worker ${this.#options.name}: messages$ has a consumer`);
    this.#consumer = subscriber;
    for (const message of this.#early) subscriber.next(message);
    this.#early = [];
    if (this.#state === "closed") this.#end(subscriber);
    return () => void this.close();
  }

  #receive(message: FromWorker<Message>): void {
    switch (message.kind) {
      case "ready":
        this.#wasReady = true;
        if (this.#state !== "starting") return; // asked to stop while it started
        this.#state = "ready";
        clearTimeout(this.#deadline);
        this.#watch = watchBeats(this.#beats, this.#options.hangDeadlineMs, (facts) => this.#giveUp("hung", facts));
        return;
      case "message":
        if (this.#consumer !== undefined) this.#consumer.next(message.message);
        else if (this.#early.push(message.message) > MAX_EARLY_MESSAGES)
          this.#giveUp("no-consumer", `${MAX_EARLY_MESSAGES} messages wait for a subscription`);
        return;
      case "failure": {
        const cause = fromFailure(message.failure);
        this.#fail("failed", cause.message, cause);
        this.#drain(); // it cleans up by itself, and has the time of a close for it
        return;
      }
      case "stopped":
        this.#stopped = true;
        return;
    }
  }

  /** The first failure is the one that is told: later ones follow from it. */
  #fail(code: WorkerErrorCode, facts: string, cause?: Error): void {
    this.#failure ??= new WorkerError(code, this.#options.name, !this.#wasReady, facts, cause);
  }

  /** Fails the worker, but asks it to stop first: only its cleanup can release what belongs to the process. */
  #giveUp(code: WorkerErrorCode, facts: string): void {
    this.#fail(code, facts);
    void this.close();
  }

  #drain(): void {
    if (this.#state === "draining") return;
    this.#state = "draining";
    clearTimeout(this.#deadline);
    this.#watch?.stop();
    this.#deadline = this.#after(this.#closeWithinMs(), (facts) => {
      this.#fail("close-deadline", facts);
      this.#terminate(MOST_LOADING_MS);
    });
  }

  /** Not within the loading of native code, for so long more at the most: a machine can be so busy that it takes minutes. Its end arrives as the exit event, like every other. */
  #terminate(loadingMs: number): void {
    if (hasLoaded(this.#beats) || loadingMs <= 0) void this.#worker.terminate();
    else this.#deadline = setTimeout(() => this.#terminate(loadingMs - LOOK_MS), LOOK_MS);
  }

  #closeWithinMs(): number {
    const { closeDeadlineMs: given, startDeadlineMs } = this.#options;
    const closeMs = typeof given === "function" ? given() : given;
    return this.#wasReady ? closeMs : startDeadlineMs + closeMs;
  }

  #after(ms: number, action: (facts: string) => void): NodeJS.Timeout {
    return setTimeout(() => action(`not done within ${ms} ms`), ms);
  }

  #settle(exitCode: number): void {
    clearTimeout(this.#deadline);
    this.#watch?.stop();
    this.#state = "closed";
    if (!this.#stopped) this.#fail("exited", `exit code ${exitCode}, without having been asked`);
    if (this.#consumer !== undefined) this.#end(this.#consumer);
  }

  #end(subscriber: Subscriber<Message>): void {
    if (this.#failure === undefined) subscriber.complete();
    else subscriber.error(this.#failure);
  }
}

/** Without a thread there is no stream to end: it is said at once. */
function startThread(url: URL, options: WorkerOptions): Worker {
  try {
    return new Worker(url, options);
  } catch (error) {
    const cause = error instanceof Error ? error : new Error(String(error));
    throw new WorkerError("refused", options.name ?? DEFAULTS.name, true, cause.message, cause);
  }
}
