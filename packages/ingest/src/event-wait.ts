/** Sleeping until an event comes: for the ingest's thread, when the last reading of every event socket found nothing (D-58). */
import { ReadableWait } from "@conntrail/netlink/socket";
import { steadyMs } from "@conntrail/thread/clock";
import type { NamespaceWatch } from "./namespace-watch.ts";

/** The thread sleeps for so long at most: its own timers go on. */
const LONGEST_MS = 1_000;

/** Less is not worth a system call. */
const SHORTEST_MS = 2;

/** Between two looks at descriptors of somebody else while the thread does not sleep. */
const LOOK_MS = 10;

/** The waits of one loop. */
export class EventWait {
  readonly #wait = ReadableWait.open();
  readonly #onOther: () => void;
  #others: readonly number[] = [];
  #othersLookedMs = 0;

  /** `onOther` is called when a descriptor of somebody else is readable. */
  constructor(onOther: () => void) {
    this.#onOther = onOther;
  }

  /** Waits for descriptors of somebody else too, until one is readable. */
  alsoFor(fds: readonly number[]): void {
    this.#others = fds;
  }

  /**
   * Sleeps until an event or a command comes, at `dueMs` at the latest. False, at once, when the sockets are to be read by the clock. The event loop must have a
   * turn before the next call. Throws OpError.
   */
  sleep(watches: readonly NamespaceWatch[], dueMs: number): boolean {
    if (this.#wait === undefined) return false;
    const beganMs = steadyMs();
    const forMs = Math.min(dueMs - beganMs, LONGEST_MS);
    if (forMs < SHORTEST_MS || !watches.every(({ still }) => still)) {
      this.#lookAtOthers(this.#wait, beganMs);
      return false;
    }
    const fds = watches.map(({ fd }) => fd);
    const readable = new Set(this.#wait.wait([...fds, ...this.#others], forMs));
    const nowMs = steadyMs();
    let own = 0;
    for (const [i, watch] of watches.entries()) {
      watch.awoke(nowMs, readable.has(i));
      if (readable.has(i)) own++;
    }
    if (readable.size > own) this.#tellOther();
    return true;
  }

  /** While the sockets are read by the clock nobody sleeps on them. */
  #lookAtOthers(wait: ReadableWait, nowMs: number): void {
    if (this.#others.length === 0 || nowMs - this.#othersLookedMs < LOOK_MS) return;
    this.#othersLookedMs = nowMs;
    if (wait.wait(this.#others, 0).length > 0) this.#tellOther();
  }

  #tellOther(): void {
    this.#others = [];
    this.#onOther();
  }
}
