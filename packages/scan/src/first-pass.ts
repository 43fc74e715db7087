/**
 * The descriptors of all processes, read by several threads at once: the first pass over a /proc, which is the dear one (some 4 µs a descriptor). The thread
 * that asks takes part from the first moment, so helpers that come late find nothing left and cost their start alone.
 */
import { workerExecArguments } from "@conntrail/thread";
import { Piscina } from "piscina";
import { type DescriptorShare, type SharedWalk, takeShare } from "./descriptors-task.ts";
import type { ProcessEntry } from "./process-entry.ts";

/** A helper takes some 50 ms to start: with fewer descriptors a thread it would come when all is done. */
const WORTH_A_THREAD = 25_000;

/** What a process is taken to have where the kernel does not tell its count of descriptors. */
const TYPICAL_COUNT = 32;

/** Bounds of a helper's heap, MiB. */
const HEAP = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 6 } as const;

/** What was read ahead. */
export interface FirstPass {
  /** By pid: for each descriptor its number and the answer of `readFdSocket`, NaN for one that is gone. */
  readonly descriptors: ReadonlyMap<number, Float64Array>;
  /** Milliseconds of CPU that the helpers took. */
  readonly helpersCpuMs: number;
  /** Threads that took part, this one included. */
  readonly threads: number;
}

/** What to read, and with how many threads at most. */
export interface FirstPassRequest {
  readonly root: string;
  readonly processes: readonly ProcessEntry[];
  /** `ProcessEntry.size` counts descriptors. */
  readonly sizeTells: boolean;
  readonly threads: number;
}

/** Reads ahead what several threads are worth, nothing where one is enough. What a helper took that ended before it answered (a host without memory for one more thread) is not in it. */
export async function firstPass(request: FirstPassRequest): Promise<FirstPass> {
  const { root, sizeTells, threads } = request;
  const count = ({ size }: ProcessEntry): number => (sizeTells ? size : TYPICAL_COUNT);
  const processes = request.processes.filter((process) => process.place === process.pid && count(process) > 0);
  const total = processes.reduce((sum, process) => sum + count(process), 0);
  const helpers = Math.min(threads, Math.floor(total / WORTH_A_THREAD)) - 1;
  if (helpers < 1) return { descriptors: new Map(), helpersCpuMs: 0, threads: 1 };
  const pids = processes.sort((a, b) => count(b) - count(a)).map(({ pid }) => pid);
  const [own, others] = await sharedByAll({ root, pids: shared(pids), next: shared([0]) }, helpers);
  return {
    descriptors: new Map([own, ...others].flatMap(({ words }) => [...descriptorsIn(words)])),
    helpersCpuMs: others.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    threads: 1 + others.length,
  };
}

async function sharedByAll(walk: SharedWalk, helpers: number): Promise<[DescriptorShare, DescriptorShare[]]> {
  const execArgv = workerExecArguments();
  const pool = new Piscina<SharedWalk, DescriptorShare>({
    filename: new URL("./descriptors-task.js", import.meta.url).href,
    name: "walk",
    ...(execArgv === undefined ? {} : { execArgv }),
    resourceLimits: HEAP,
    minThreads: helpers,
    maxThreads: helpers,
    atomics: "disabled",
  });
  // A helper that ends without a task is no loss: whoever is left takes what there is.
  pool.on("error", () => undefined);
  try {
    const others = Promise.allSettled(Array.from({ length: helpers }, () => pool.run(walk)));
    const own = takeShare(walk);
    return [own, (await others).flatMap((share) => (share.status === "fulfilled" ? [share.value] : []))];
  } finally {
    await pool.destroy();
  }
}

function shared(values: readonly number[]): Int32Array<SharedArrayBuffer> {
  const words = new Int32Array(new SharedArrayBuffer(values.length * Int32Array.BYTES_PER_ELEMENT));
  words.set(values);
  return words;
}

function* descriptorsIn(words: Float64Array): Generator<[pid: number, descriptors: Float64Array]> {
  for (let at = 0; at < words.length; ) {
    const end = at + 2 + 2 * words[at + 1]!;
    yield [words[at]!, words.subarray(at + 2, end)];
    at = end;
  }
}
