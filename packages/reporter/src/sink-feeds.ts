/** All sinks of a reporter: which encodings they want, and each report's way to them. */
import type { Report } from "@conntrail/report";
import { type DeliveryOutcome, feedSink, type SinkFeed } from "./sinks/feed.ts";
import type { Sink, SinkEncoding } from "./sinks/sink.ts";

/** Told how each delivery ended. */
export type OnDelivery = (sink: string, outcome: DeliveryOutcome, error: unknown) => void;

/** The feeds. */
export class SinkFeeds {
  /** What the pipeline is to encode; a report's bytes come in the same order. */
  readonly encodings: SinkEncoding[] = [];
  readonly #feeds: { readonly feed: SinkFeed; readonly encoding: number }[] = [];

  constructor(sinks: readonly Sink[], onDelivery: OnDelivery) {
    for (const sink of sinks) {
      const feed = feedSink(sink, (outcome, error) => onDelivery(sink.name, outcome, error));
      this.#feeds.push({ feed, encoding: sink.encoding === null ? -1 : this.#indexOf(sink.encoding) });
    }
  }

  /** Hands a report on, with its bytes in the order of `encodings`. */
  push(report: Report, encoded: readonly Uint8Array[]): void {
    for (const { feed, encoding } of this.#feeds) feed.push({ report, bytes: encoded[encoding] });
  }

  /** Delivers what waits and closes the sinks; gives up at the deadline. */
  async close(deadlineMs: number): Promise<void> {
    await Promise.all(this.#feeds.map(({ feed }) => feed.close(deadlineMs)));
  }

  #indexOf(wanted: SinkEncoding): number {
    const known = this.encodings.findIndex((have) => have.format === wanted.format && have.gzip === wanted.gzip);
    return known >= 0 ? known : this.encodings.push(wanted) - 1;
  }
}
