/** A dump of one namespace's table: it takes time, and each row is as the kernel had it at a moment of its own. */
import { type Entry, type EntryEvent, entryAt } from "../truth/lives.ts";
import type { Random } from "../truth/random.ts";
import type { Watch } from "./watch.ts";

/** A row: an entry and the event that its state comes from. */
export interface Row {
  readonly entry: Entry;
  readonly event: EntryEvent;
}

/** A dump under way, from its beginning on. */
export class TableDump {
  readonly watch: Watch;
  readonly #endMs: number;
  readonly #beganMs: number;
  /** Each entry, and when the kernel comes to it. */
  readonly #visits: readonly { readonly entry: Entry; readonly atMs: number }[];
  readonly #shown = new Set<Entry>();
  #next = 0;
  #sliceMs: number;
  #disturbed = false;

  constructor(watch: Watch, random: Random, nowMs: number) {
    this.watch = watch;
    const lastsMs = random.magnitude(0.05, 40);
    this.#beganMs = nowMs;
    this.#endMs = nowMs + lastsMs;
    this.#sliceMs = lastsMs / 2;
    this.#visits = watch.log.entries
      .map((entry) => ({ entry, atMs: nowMs + random.next() * lastsMs }))
      .sort((a, b) => a.atMs - b.atMs);
  }

  /** When the next slice is due. */
  get dueMs(): number {
    return Math.min(this.#endMs, this.#beganMs + this.#sliceMs);
  }

  get done(): boolean {
    return this.#next === this.#visits.length && this.#sliceMs === Number.POSITIVE_INFINITY;
  }

  /** Events of the namespace were lost meanwhile. */
  disturb(watch: Watch): void {
    if (watch === this.watch) this.#disturbed = true;
  }

  /** The rows that the kernel has written by now and nobody has read. */
  rowsBy(nowMs: number): Row[] {
    const rows: Row[] = [];
    for (; this.#next < this.#visits.length && this.#visits[this.#next]!.atMs <= nowMs; this.#next++) {
      const { entry, atMs } = this.#visits[this.#next]!;
      const event = entryAt(entry, atMs);
      if (event === undefined) continue;
      this.#shown.add(entry);
      rows.push({ entry, event });
    }
    this.#sliceMs = nowMs >= this.#endMs ? Number.POSITIVE_INFINITY : this.#endMs - this.#beganMs;
    return rows;
  }

  /** The dump proves that an entry is gone: it was made before, and not shown. */
  lacks(entry: Entry): boolean {
    return !this.#disturbed && !this.#shown.has(entry) && entry.events[0]!.atMs < this.#beganMs;
  }
}
