/** Changes from the pipeline worker to whoever listens on the host thread. Each listener begins with all connections that live, and misses nothing without being told. */
import { unpackReport } from "@conntrail/report";
import { Observable, type Subscriber } from "rxjs";
import { type Change, presentChange, readChanges } from "./change.ts";
import type { ChangesMessage } from "./pack-changes.ts";

/** Changes that wait for a slow iterator. Beyond it all of them go, and it begins anew with a snapshot. */
const ITERATOR_QUEUE = 65_536;

/** A listener. */
interface Reader {
  /** It has the connections that the next changes apply to. */
  synced: boolean;
  /** What it was not told since its last snapshot. */
  lost: number | null;
  readonly take: (change: Change) => void;
  readonly end: (end: ChannelEnd) => void;
}

type ChannelEnd = { readonly error?: unknown };

/** The channel. */
export class ChangeChannel {
  /** Begins with a snapshot for each subscriber. */
  readonly changes$: Observable<Change>;
  readonly #readers = new Set<Reader>();
  readonly #want: (want: "all" | "off") => void;
  #end: ChannelEnd | undefined;

  /** `want` tells the worker what somebody waits for. */
  constructor(want: (want: "all" | "off") => void) {
    this.#want = want;
    this.changes$ = new Observable<Change>((subscriber) =>
      this.#add({ take: (change) => subscriber.next(change), end: (end) => settle(subscriber, end) }),
    );
  }

  /** Somebody listens. */
  get isHeard(): boolean {
    return this.#readers.size > 0;
  }

  /** A message from the worker. */
  message(message: ChangesMessage): void {
    const { whole, kinds, gone, packed } = message;
    const synced = [...this.#readers].filter((reader) => reader.synced);
    const changes = synced.length > 0 ? readChanges(message) : [];
    const report = whole && unpackReport(whole);
    for (const reader of this.#readers) {
      if (synced.includes(reader)) for (const change of changes) reader.take(change);
      else if (report !== undefined) {
        const { lost } = reader;
        reader.synced = true;
        reader.lost = 0;
        reader.take(presentChange(report, packed.window.endMs, lost));
      } else if (reader.lost !== null && reader.lost > 0) reader.lost += kinds.length + gone.length;
    }
  }

  /** The worker is gone, and what its connections were numbered by: everybody begins anew. */
  restarted(): void {
    for (const reader of this.#readers) {
      if (reader.synced) reader.lost = null;
      reader.synced = false;
    }
  }

  /** Ends all listeners, and later ones the same way. */
  end(end: ChannelEnd = {}): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    for (const reader of this.#readers) reader.end(end);
    this.#readers.clear();
  }

  /** Changes one at a time, for `for await`. */
  async *iterate(): AsyncGenerator<Change, void, undefined> {
    let queue: Change[] = [];
    let next = 0;
    let wake: (() => void) | undefined;
    let end: ChannelEnd | undefined;
    const reader: Reader = {
      synced: false,
      lost: 0,
      take: (change) => {
        // What was not read is lost to it, and the snapshot to come stands for it.
        if (queue.length - next >= ITERATOR_QUEUE) {
          reader.lost = (reader.lost ?? 0) + queue.length - next + 1;
          reader.synced = false;
          queue = [];
          next = 0;
        } else if (reader.synced) queue.push(change);
        else if (reader.lost !== null) reader.lost++;
        wake?.();
      },
      end: (how) => {
        end = how;
        wake?.();
      },
    };
    const leave = this.#join(reader);
    try {
      for (;;) {
        if (next < queue.length) {
          const change = queue[next++]!;
          if (next === queue.length) {
            queue = [];
            next = 0;
          }
          yield change;
        } else if (end !== undefined) {
          if ("error" in end) throw end.error;
          return;
        } else {
          if (!reader.synced) this.#want("all");
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          wake = undefined;
        }
      }
    } finally {
      leave();
    }
  }

  #add({ take, end }: Pick<Reader, "take" | "end">): () => void {
    return this.#join({ synced: false, lost: 0, take, end });
  }

  #join(reader: Reader): () => void {
    if (this.#end !== undefined) {
      reader.end(this.#end);
      return () => undefined;
    }
    this.#readers.add(reader);
    this.#want("all");
    return () => {
      if (this.#readers.delete(reader) && !this.isHeard) this.#want("off");
    };
  }
}

function settle(subscriber: Subscriber<Change>, end: ChannelEnd): void {
  if ("error" in end) subscriber.error(end.error);
  else subscriber.complete();
}
