/** Virtual time: actions that are due, in the order of their times. Of equal times the one that was entered first. */

interface Item {
  readonly atMs: number;
  readonly order: number;
  readonly action: (nowMs: number) => void;
}

/** A binary heap of actions. */
export class Agenda {
  nowMs = 0;
  readonly #heap: Item[] = [];
  #order = 0;

  /** Enters an action. What is due in the past is due now. */
  at(atMs: number, action: (nowMs: number) => void): void {
    const heap = this.#heap;
    const item = { atMs: Math.max(atMs, this.nowMs), order: this.#order++, action };
    let place = heap.length;
    heap.push(item);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (isBefore(heap[parent]!, item)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = item;
  }

  /** Runs everything that is due up to `endMs`. */
  run(endMs: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= endMs; next = this.#heap[0]) {
      this.#take();
      this.nowMs = next.atMs;
      next.action(next.atMs);
    }
    this.nowMs = endMs;
  }

  #take(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(last, heap[child]!)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
  }
}

function isBefore(a: Item, b: Item): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
