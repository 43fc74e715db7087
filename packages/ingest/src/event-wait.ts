/** Sleeping until an event comes: for the ingest's thread, when the last reading of every event socket found nothing (D-58). */
import { ReadableWait } from "@conntrail/netlink/socket";
import { steadyMs } from "@conntrail/thread/clock";
import type { NamespaceWatch } from "./namespace-watch.ts";

/** The thread sleeps for so long at most: its own timers go on. */
const LONGEST_MS = 1_000;

/** Less is not worth a system call. */
const SHORTEST_MS = 2;

/** The waits of one loop. */
export class EventWait {
  readonly #wait = ReadableWait.open();

  /**
   * Sleeps until an event or a command comes, at `dueMs` at the latest. False, at once, when the sockets are to be read by the clock. The event loop must have a
   * turn before the next call. Throws OpError.
   */
  sleep(watches: readonly NamespaceWatch[], dueMs: number): boolean {
    if (this.#wait === undefined || !watches.every(({ still }) => still)) return false;
    const forMs = Math.min(dueMs - steadyMs(), LONGEST_MS);
    if (forMs < SHORTEST_MS) return false;
    const fds = watches.map(({ fd }) => fd);
    const readable = new Set(this.#wait.wait(fds, forMs));
    const nowMs = steadyMs();
    for (const [i, watch] of watches.entries()) watch.awoke(nowMs, readable.has(i));
    return true;
  }
}
