/** What each thread of the first pass runs: one process after the other from a list that all threads share, until none is left. */
import { readCpuTime, readFdNumbers, readFdSocket } from "@conntrail/procfs";
import { move, transferableSymbol, valueSymbol } from "piscina";

/** A walk that several threads share. */
export interface SharedWalk {
  readonly root: string;
  /** The processes, those with most descriptors first. */
  readonly pids: Int32Array<SharedArrayBuffer>;
  /** Its one word is the index of the next process that nobody has taken; at the length of `pids` the walk is over. */
  readonly next: Int32Array<SharedArrayBuffer>;
}

/** What one thread read: for each process its pid, how many descriptors follow, and for each its number and the answer of `readFdSocket`, NaN for one that is gone. */
export interface DescriptorShare {
  readonly words: Float64Array<ArrayBuffer>;
  /** Milliseconds of CPU that it took; 0 where the kernel does not count them. */
  readonly cpuMs: number;
}

/** Takes its share of a walk. Never throws: what cannot be read is left out, for the scan to read and to tell. */
export function takeShare({ root, pids, next }: SharedWalk): DescriptorShare {
  const began = readCpuTime(root, "thread-self") ?? 0;
  const words: number[] = [];
  for (let at = Atomics.add(next, 0, 1); at < pids.length; at = Atomics.add(next, 0, 1)) {
    const start = words.length;
    try {
      list(root, pids[at]!, words);
    } catch {
      words.length = start;
    }
  }
  return { words: Float64Array.from(words), cpuMs: (readCpuTime(root, "thread-self") ?? 0) - began };
}

/** The task of a helper: the words change threads instead of being copied. */
export function walk(shared: SharedWalk): DescriptorShare {
  const share = takeShare(shared);
  return move({
    [transferableSymbol]: [share.words.buffer],
    [valueSymbol]: share,
  } as never) as unknown as DescriptorShare;
}

function list(root: string, pid: number, words: number[]): void {
  const numbers = readFdNumbers(root, pid);
  if (numbers === undefined) return;
  words.push(pid, numbers.length);
  for (const fd of numbers) words.push(fd, readFdSocket(root, pid, fd) ?? Number.NaN);
}
