/**
 * The descriptors of one process as last read: for each number the inode of the socket behind it, or why there is none.
 * The kernel gives out the lowest free number (open(2)), so the numbers are dense and an array serves; what a process puts far
 * above the rest by dup2(2) goes into a map.
 */

/** The descriptor is closed, or was never read. */
export const FD_UNKNOWN = 0;
/** A file that is not a socket. No socket has such an inode: the kernel numbers its own at boot first (`get_next_ino`, fs/inode.c). */
export const FD_OTHER = 1;
/** A socket that the kernel has no longer: the number was closed, and may be in use again. */
export const FD_STALE = 2;

const DENSE_LIMIT = 1 << 20;

/** Descriptors by number. A value is FD_UNKNOWN, FD_OTHER, FD_STALE or an inode. */
export class FdTable {
  /** Descriptors that are known and not stale. */
  open = 0;
  stale = 0;
  #dense: Uint32Array = new Uint32Array(64);
  /** One above the highest number in `#dense` that ever held something. */
  #top = 0;
  readonly #high = new Map<number, number>();

  get(fd: number): number {
    return fd < DENSE_LIMIT ? (this.#dense[fd] ?? FD_UNKNOWN) : (this.#high.get(fd) ?? FD_UNKNOWN);
  }

  set(fd: number, value: number): void {
    this.#count(this.get(fd), -1);
    this.#count(value, 1);
    if (fd < DENSE_LIMIT) this.#setDense(fd, value);
    else if (value === FD_UNKNOWN) this.#high.delete(fd);
    else this.#high.set(fd, value);
  }

  /** The numbers whose value `wanted` accepts, ascending; a copy. */
  numbers(wanted: (value: number) => boolean): number[] {
    const found: number[] = [];
    for (let fd = 0; fd < this.#top; fd++) if (wanted(this.#dense[fd]!)) found.push(fd);
    if (this.#high.size === 0) return found;
    const high = [...this.#high].filter(([, value]) => wanted(value)).map(([fd]) => fd);
    return [...found, ...high.sort((a, b) => a - b)];
  }

  /** The lowest `count` numbers that are FD_UNKNOWN, ascending. */
  lowestUnknown(count: number): number[] {
    const found: number[] = [];
    for (let fd = 0; found.length < count; fd++) if (this.get(fd) === FD_UNKNOWN) found.push(fd);
    return found;
  }

  #count(value: number, by: number): void {
    if (value === FD_STALE) this.stale += by;
    else if (value !== FD_UNKNOWN) this.open += by;
  }

  #setDense(fd: number, value: number): void {
    if (fd >= this.#dense.length) {
      if (value === FD_UNKNOWN) return;
      const larger = new Uint32Array(Math.max(this.#dense.length * 2, fd + 1));
      larger.set(this.#dense);
      this.#dense = larger;
    }
    this.#dense[fd] = value;
    if (fd >= this.#top) this.#top = fd + 1;
  }
}
