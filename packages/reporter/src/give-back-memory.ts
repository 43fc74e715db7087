/**
 * Memory that threads which are gone have left behind: glibc keeps it for threads to come, some ten megabytes for each pipeline that failed, whose big blocks had also taught it to take the next ones from the
 * heap (mallopt(3), the dynamic M_MMAP_THRESHOLD). Source: malloc_trim(3).
 */
import koffi from "koffi";

/** Gives whole free pages of the process back to the kernel. Takes a moment in which other threads may wait for memory: it is called after failures alone. Does nothing where libc has no such function (musl). */
export function giveBackMemory(): void {
  trimmer()?.(0);
}

function trimmer(): ((pad: number) => number) | undefined {
  try {
    return koffi.load(null).func("int malloc_trim(size_t)");
  } catch {
    return undefined;
  }
}
