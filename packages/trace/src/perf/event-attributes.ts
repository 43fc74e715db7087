/** `struct perf_event_attr` of perf_event_open(2), for a tracepoint of which every hit is told. */
import { CLOCK_MONOTONIC, PERF_FLAG, PERF_SAMPLE, PERF_TYPE_TRACEPOINT } from "./perf-enum.ts";

/** What an event tells beside its hits. */
export interface EventAttributes {
  /** The tracepoint's number, from its `id` file. */
  readonly tracepoint: number;
  /** Processes that fork, exit, change their name or a namespace, as records of the same ring. */
  readonly processes: boolean;
  /** The control group with each hit, and each new group as a record (Linux 5.7). */
  readonly cgroups: boolean;
  /** Of the event whose ring it is: the descriptor is readable each time so many bytes more were written. Default: half the ring. */
  readonly wakeBytes?: number;
}

/** PERF_ATTR_SIZE_VER5 (Linux 4.1): what is longer would have to be zero for an older kernel. */
const ATTRIBUTE_BYTES = 112;

/** Offsets inside the structure. */
const AT = {
  type: 0,
  size: 4,
  config: 8,
  samplePeriod: 16,
  sampleType: 24,
  flags: 40,
  wakeup: 48,
  clockid: 92,
} as const;

/** The structure's bytes, in the machine's order. */
export function encodeEventAttributes({ tracepoint, processes, cgroups, wakeBytes = 0 }: EventAttributes): Uint8Array {
  const bytes = new Uint8Array(ATTRIBUTE_BYTES);
  const view = new DataView(bytes.buffer);
  const flags: number[] = [PERF_FLAG.disabled, PERF_FLAG.sampleIdAll, PERF_FLAG.useClockid];
  if (processes) flags.push(PERF_FLAG.comm, PERF_FLAG.commExec, PERF_FLAG.task, PERF_FLAG.namespaces);
  if (processes && cgroups) flags.push(PERF_FLAG.cgroup);
  if (wakeBytes > 0) flags.push(PERF_FLAG.watermark);
  view.setUint32(AT.type, PERF_TYPE_TRACEPOINT, true);
  view.setUint32(AT.size, ATTRIBUTE_BYTES, true);
  view.setBigUint64(AT.config, BigInt(tracepoint), true);
  view.setBigUint64(AT.samplePeriod, 1n, true);
  const held = PERF_SAMPLE.tid | PERF_SAMPLE.time | PERF_SAMPLE.raw | (cgroups ? PERF_SAMPLE.cgroup : 0);
  view.setBigUint64(AT.sampleType, BigInt(held), true);
  view.setBigUint64(
    AT.flags,
    flags.reduce((bits, flag) => bits | (1n << BigInt(flag)), 0n),
    true,
  );
  view.setUint32(AT.wakeup, wakeBytes, true);
  view.setInt32(AT.clockid, CLOCK_MONOTONIC, true);
  return bytes;
}
