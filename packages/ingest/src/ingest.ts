/** The ingest as seen by its consumer: an Observable of batches, with a worker thread behind it. */
import type { FlowBatch, NamespaceWay } from "@conntrail/model";
import { workerStream } from "@conntrail/thread";
import { NEVER, Observable } from "rxjs";
import { type IngestOptions, resolveIngestOptions } from "./ingest-options.ts";
import type { IngestCommand, IngestMessage, IngestWorkerData } from "./ingest-protocol.ts";
import type { RawChunk } from "./raw-tap.ts";

/** What an ingest is connected to besides its subscriber. */
export interface IngestHooks {
  /** Takes every raw message, for a recorder: called synchronously, in the order of their arrival and ahead of the batch they led to. */
  readonly tap?: (chunk: RawChunk) => void;
  /** Each value asks for one more dump of every table, for a recording that begins anew: as soon as ten times its last dump's time has passed. */
  readonly dump$?: Observable<unknown>;
  /** Each value asks for a batch whose cut is later than the asking: every socket is read empty for it. Those asked for until it is made are one. */
  readonly cut$?: Observable<unknown>;
  /** Namespaces that a walk of processes does not show, as others find them: each value replaces the one before. */
  readonly ways$?: Observable<readonly NamespaceWay[]>;
  /**
   * Namespaces, by inode, that processes were born in or have entered, by whoever sees each such process: one that is not watched is looked for at once, and between two values that are less than ten
   * seconds apart not every process that begins is a reason to look. `undefined`: that is not known any more.
   */
  readonly entered$?: Observable<ReadonlySet<number> | undefined>;
  /**
   * Descriptors of this process that somebody waits for, each value in place of the one before: its worker, which sleeps on its own sockets, sleeps on them too, and `onReadable` is
   * called once for each value, when one of them is readable.
   */
  readonly wait$?: Observable<readonly number[]>;
  readonly onReadable?: () => void;
  /** Whether somebody waits for each change: while it is so and few flows change, a batch follows the last one after a third of `flushMs`. */
  readonly hurry$?: Observable<boolean>;
  /** Ends the ingest in good order: what was received is emitted, then the Observable completes. */
  readonly stop$?: Observable<unknown>;
}

/** Bounds of its heap, MiB: flows lie outside of it, and a batch is no garbage. A young generation of Node's own size would grow to 48. */
const HEAP = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 6 } as const;

const WORKER = new URL("./ingest-worker.js", import.meta.url);

/**
 * Follows conntrack. Starts with the subscription: each has a worker of its own. Emits a batch every `flushMs` while flows change, and at least
 * one a second. Completes after `stop$`; unsubscribing closes worker and sockets without more ado. Errors with a WorkerError when the worker
 * fails; what is missing or not permitted is no error, but stands in the batches' health. When the consumer is slow the worker sends at
 * most two batches ahead and keeps the latest state of each flow. Throws RangeError for options that cannot be meant.
 */
export function ingest(options: IngestOptions = {}, hooks: IngestHooks = {}): Observable<FlowBatch> {
  const {
    tap,
    dump$ = NEVER,
    cut$ = NEVER,
    ways$ = NEVER,
    entered$ = NEVER,
    wait$ = NEVER,
    hurry$ = NEVER,
    onReadable,
    stop$ = NEVER,
  } = hooks;
  const resolved = resolveIngestOptions(options);
  return new Observable((subscriber) => {
    const workerData: IngestWorkerData = { options: resolved, tap: tap !== undefined };
    const worker = workerStream<IngestCommand, IngestMessage>(WORKER, {
      workerData,
      name: "ingest",
      resourceLimits: HEAP,
    });
    const subscription = worker.messages$.subscribe({
      next: (message) => {
        if (message.kind === "raw") {
          tap?.(message);
          worker.post({ kind: "raw-taken" });
        } else if (message.kind === "readable") {
          onReadable?.();
        } else {
          subscriber.next(message);
          worker.post({ kind: "taken" });
        }
      },
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.complete(),
    });
    const stop = (): void => void worker.close();
    const dump = (): void => void worker.post({ kind: "dump" });
    const cut = (): void => void worker.post({ kind: "cut" });
    const know = (ways: readonly NamespaceWay[]): void => void worker.post({ kind: "ways", ways });
    const wait = (fds: readonly number[]): void => void worker.post({ kind: "wait", fds });
    const hurry = (hurried: boolean): void => void worker.post({ kind: "hurry", hurried });
    const enter = (namespaces: ReadonlySet<number> | undefined): void =>
      void worker.post({ kind: "entered", namespaces });
    subscription.add(entered$.subscribe({ next: enter, error: stop }));
    subscription.add(hurry$.subscribe({ next: hurry, error: stop }));
    subscription.add(wait$.subscribe({ next: wait, error: stop }));
    subscription.add(ways$.subscribe({ next: know, error: stop }));
    subscription.add(cut$.subscribe({ next: cut, error: stop }));
    subscription.add(dump$.subscribe({ next: dump, error: stop }));
    subscription.add(stop$.subscribe({ next: stop, error: stop }));
    return subscription;
  });
}
