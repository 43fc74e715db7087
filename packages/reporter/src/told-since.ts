/** Whether conntrack or the trace told anything since the sockets were last looked at: if not, the kernel's counters may say that there is nothing to scan (D-59). */
import type { FlowBatch, TraceBatch } from "@conntrail/model";

/** One per pipeline. */
export class ToldSince {
  #told = true;
  #events = -1;

  /** A batch of flows came: an event that changed no flow counts as well. */
  batch({ health: { events }, count }: FlowBatch): void {
    const all = events.new + events.update + events.destroy;
    if (count > 0 || all !== this.#events) this.#told = true;
    this.#events = all;
  }

  /** A batch of the trace came. */
  trace({ count, blind }: TraceBatch): void {
    if (count > 0 || blind !== null) this.#told = true;
  }

  /** A part was started anew: what it knew of the sockets is gone. */
  restarted(): void {
    this.#told = true;
  }

  /** Answers, and begins anew. */
  take(): boolean {
    const told = this.#told;
    this.#told = false;
    return told;
  }
}
