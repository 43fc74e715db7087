/** The facts without which a figure says nothing: kernel, processor, Node, and when. */
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";

/** What is written beside every result. */
export interface MachineFacts {
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly kernel: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  readonly v8: string;
  readonly architecture: string;
  /** One-minute load average when the run began: what else the machine was doing. */
  readonly load: number;
}

/** Reads the facts now. */
export function machineFacts(): MachineFacts {
  return {
    date: new Date().toISOString(),
    kernel: release(),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.version,
    v8: process.versions.v8,
    architecture: process.arch,
    load: loadavg()[0] ?? 0,
  };
}
