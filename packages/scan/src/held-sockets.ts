/**
 * Which descriptors of which processes hold a socket, by the socket's inode. Most sockets are held once; those that
 * were inherited or passed on are held by several, and each holding is kept, so that the answer does not depend on the order in which
 * processes were looked at (F26). Holdings are rows in columns, chained per inode.
 */
import { InodeMap } from "./inode-map.ts";

const NONE = -1;

/** A multimap from inode to (slot, fd). A slot is a process's place in the process table. */
export class HeldSockets {
  /** Inodes that are held more than once. */
  readonly shared: Set<number> = new Set();
  /** The newest holding of each inode. */
  readonly #first = new InodeMap();
  #slots = new Int32Array(1024);
  #fds = new Int32Array(1024);
  #next = new Int32Array(1024);
  #used = 0;
  #free = NONE;

  has(inode: number): boolean {
    return this.#first.get(inode) !== NONE;
  }

  /** Adds a holding that is not there yet. */
  add(inode: number, slot: number, fd: number): void {
    const row = this.#take();
    const first = this.#first.get(inode);
    if (first !== NONE) this.shared.add(inode);
    this.#slots[row] = slot;
    this.#fds[row] = fd;
    this.#next[row] = first;
    this.#first.set(inode, row);
  }

  /** Takes one holding away; unknown ones are passed over. */
  remove(inode: number, slot: number, fd: number): void {
    let before = NONE;
    for (let row = this.#first.get(inode); row !== NONE; before = row, row = this.#next[row]!) {
      if (this.#slots[row] !== slot || this.#fds[row] !== fd) continue;
      this.#unlink(inode, row, before);
      return;
    }
  }

  /** Calls `visit` for each holding of `inode`, newest first. `visit` must not change this map. */
  each(inode: number, visit: (slot: number, fd: number) => void): void {
    for (let row = this.#first.get(inode); row !== NONE; row = this.#next[row]!) {
      visit(this.#slots[row]!, this.#fds[row]!);
    }
  }

  /** The slot of the only holding; -1 when there is none, -2 when there are several. */
  soleHolder(inode: number): number {
    const row = this.#first.get(inode);
    if (row === NONE) return -1;
    return this.#next[row] === NONE ? this.#slots[row]! : -2;
  }

  #unlink(inode: number, row: number, before: number): void {
    const next = this.#next[row]!;
    if (before !== NONE) this.#next[before] = next;
    else if (next === NONE) this.#first.delete(inode);
    else this.#first.set(inode, next);
    if (this.shared.size > 0 && !this.#isShared(inode)) this.shared.delete(inode);
    this.#next[row] = this.#free;
    this.#free = row;
  }

  #isShared(inode: number): boolean {
    const row = this.#first.get(inode);
    return row !== NONE && this.#next[row] !== NONE;
  }

  #take(): number {
    if (this.#free !== NONE) {
      const row = this.#free;
      this.#free = this.#next[row]!;
      return row;
    }
    if (this.#used === this.#slots.length) {
      this.#slots = doubled(this.#slots);
      this.#fds = doubled(this.#fds);
      this.#next = doubled(this.#next);
    }
    return this.#used++;
  }
}

function doubled(column: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(column.length * 2);
  larger.set(column);
  return larger;
}
