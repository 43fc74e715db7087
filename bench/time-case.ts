/**
 * Times one case with tinybench and weighs what a call allocates and holds. Time and memory are taken in separate passes:
 * a sampling heap profiler (V8's, through node:inspector) would slow down what is being timed.
 */
import { type HeapProfiler, Session } from "node:inspector/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Bench } from "tinybench";
import type { Timed, TimedCase } from "./case.ts";
import type { FigureResult } from "./result.ts";
import { summarize, thin } from "./statistics.ts";

/** How long and how often a case is timed. */
export interface TimingOptions {
  readonly timeMs: number;
  readonly minSamples: number;
  /** A run has several rounds, each in processes of its own; memory is weighed in round 0. */
  readonly round: number;
}

const KEPT_SAMPLES = 51;
const WARM_UP_MS = 50;
const SAMPLING_INTERVAL_BYTES = 4096;
const WEIGHED_NS = 50e6;
const MOST_WEIGHED_CALLS = 1000;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Holds what the last call returned, so that neither the compiler nor the collector takes it away. */
const sink: { held: unknown } = { held: undefined };

/** Runs a timed case: ns per unit of work, bytes allocated per unit, bytes held per unit. */
export async function timeCase(timed: TimedCase, options: TimingOptions): Promise<FigureResult[]> {
  const subject = await timed.setup();
  try {
    const times = await latencies(timed.name, subject, options);
    const figure = (name: string, unit: string, samples: readonly number[]): FigureResult => ({
      case: timed.name,
      figure: name,
      unit: `${unit}/${timed.per}`,
      samples: thin(samples, KEPT_SAMPLES).map((value) => value / timed.count),
      taken: samples.length,
      roundMedians: [summarize(samples).median / timed.count],
      ...(timed.size === undefined ? {} : { size: timed.size }),
    });
    const time = figure("time", "ns", times);
    const figures = [timed.target === undefined ? time : { ...time, target: timed.target }];
    if (options.round === 0) {
      figures.push(figure("allocated", "B", [await allocatedBytes(subject, summarize(times).median)]));
      figures.push(figure("held", "B", [await heldBytes(subject)]));
    }
    return figures;
  } finally {
    sink.held = undefined;
    await subject.close?.();
  }
}

/** Nanoseconds of each call, after a warm-up. */
async function latencies(
  name: string,
  subject: Timed,
  { timeMs, minSamples }: TimingOptions,
): Promise<readonly number[]> {
  const before = subject.before ?? ((): void => undefined);
  before();
  const first = subject.run();
  const isAsync = first instanceof Promise;
  sink.held = await first;
  const bench = new Bench({
    time: timeMs,
    iterations: minSamples,
    warmupTime: WARM_UP_MS,
    warmupIterations: 2,
    retainSamples: true,
    throws: true,
  });
  const call = isAsync
    ? async (): Promise<void> => {
        sink.held = await subject.run();
      }
    : (): void => {
        sink.held = subject.run();
      };
  bench.add(name, call, { beforeEach: before, async: isAsync });
  const [task] = await bench.run();
  const result = task!.result;
  if (result.state !== "completed") throw new Error(`${name}: ${result.state}`);
  return result.latency.samples!.map((milliseconds) => milliseconds * 1e6);
}

/** Bytes that one call allocates on the heap, whether collected or not: sampled by V8, thus close, not exact. */
async function allocatedBytes(subject: Timed, callNs: number): Promise<number> {
  // A small call is made many times over, or the sampling would miss it; but not where each call needs `before`.
  const wanted = Math.min(MOST_WEIGHED_CALLS, Math.ceil(WEIGHED_NS / Math.max(1, callNs)));
  const calls = subject.before === undefined ? wanted : 1;
  const session = new Session();
  session.connect();
  try {
    subject.before?.();
    await session.post("HeapProfiler.startSampling", {
      samplingInterval: SAMPLING_INTERVAL_BYTES,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    for (let i = 0; i < calls; i++) await callOnce(subject);
    const { profile } = await session.post("HeapProfiler.stopSampling");
    return sampledBytes(profile.head) / calls;
  } finally {
    session.disconnect();
  }
}

/** Bytes that stay reachable from what one call returns, buffers included. The middle of three tries: other things come and go meanwhile. */
async function heldBytes(subject: Timed): Promise<number> {
  const tries: number[] = [];
  for (let i = 0; i < 3; i++) {
    sink.held = undefined;
    subject.before?.();
    collectGarbage();
    collectGarbage();
    const before = usedBytes();
    await callOnce(subject);
    collectGarbage();
    tries.push(Math.max(0, usedBytes() - before));
  }
  return summarize(tries).median;
}

/** One call, in a frame of its own: a frame that lives on would keep the result before alive. */
async function callOnce(subject: Timed): Promise<void> {
  sink.held = await subject.run();
}

function sampledBytes({ selfSize, children }: HeapProfiler.SamplingHeapProfileNode): number {
  return children.reduce((sum, child) => sum + sampledBytes(child), selfSize);
}

function usedBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
