/** Who accepts from a listener that several processes hold: a holder that was seen with a connection of its port. */
import type { InodeMap } from "./inode-map.ts";
import type { OwnerSearch } from "./owner-search.ts";
import type { TableBuilder } from "./table-builder.ts";

/** What was seen so far; kept between scans, because connections are often shorter than the time between two. */
export class Acceptors {
  readonly #search: OwnerSearch;
  /** By the listener's inode: a pid. */
  readonly #pids = new Map<number, number>();

  constructor(search: OwnerSearch) {
    this.#search = search;
  }

  /** Looks through the sockets of one scan. */
  learn(builder: TableBuilder): void {
    const inodes: InodeMap = builder.inodes();
    for (const listener of this.#pids.keys()) if (!inodes.has(listener)) this.#pids.delete(listener);
    for (const listener of this.#search.sharedAmong(inodes)) {
      if (!builder.listens(listener)) continue;
      const holders = this.#search.holderSlots(listener);
      for (const inode of builder.acceptedAt(listener)) {
        const slot = this.#search.ownerSlot(inode);
        if (holders.has(slot)) this.#pids.set(listener, this.#search.processes.at(slot).pid);
      }
    }
  }

  /** The slot of the holder that accepts; -1 when none was seen to. */
  slotOf(listener: number): number {
    const pid = this.#pids.get(listener);
    for (const slot of this.#search.holderSlots(listener)) if (this.#search.processes.at(slot).pid === pid) return slot;
    return -1;
  }
}
