/** Feeds one sink: one delivery at a time, a short queue, and a count of every outcome. */
import { type Delivery, SINK_QUEUE, type Sink } from "./sink.ts";

/** What happened to a delivery. */
export type DeliveryOutcome = "delivered" | "failed" | "dropped";

/** A sink with its queue. `push` never waits and never throws. */
export interface SinkFeed {
  push(delivery: Delivery): void;
  /** Delivers what waits, closes the sink; gives up at the deadline. */
  close(deadlineMs: number): Promise<void>;
}

/** Starts feeding `sink`; `onOutcome` is told of each delivery's end, with the error when it failed. */
export function feedSink(sink: Sink, onOutcome: (outcome: DeliveryOutcome, error?: unknown) => void): SinkFeed {
  const queue: Delivery[] = [];
  const abort = new AbortController();
  let running: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        await sink.deliver(next, abort.signal);
        onOutcome("delivered");
      } catch (error) {
        onOutcome("failed", error);
      }
    }
    running = undefined;
  };

  return {
    push(delivery: Delivery): void {
      if (queue.length >= SINK_QUEUE) {
        queue.shift();
        onOutcome("dropped");
      }
      queue.push(delivery);
      running ??= run();
    },
    async close(deadlineMs: number): Promise<void> {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          abort.abort(new Error("the reporter closed"));
          resolve();
        }, deadlineMs);
      });
      const finish = async (): Promise<void> => {
        await running;
        await sink.close?.();
      };
      await Promise.race([finish().catch((error: unknown) => onOutcome("failed", error)), late]);
      clearTimeout(timer);
    },
  };
}
