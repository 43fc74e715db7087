/** What is known of one process: its identity is pid and start together, because pids are reused (F27). */
import type { Owner } from "@conntrail/model";

/** A process of the table. */
export interface ProcessEntry {
  readonly pid: number;
  /** Clock ticks after boot (field 22 of /proc/PID/stat); of a process known from its FORK alone the ticks of that moment. */
  startTicks: number;
  /** `startTicks` was read from /proc, not reckoned. */
  exactStart: boolean;
  ppid: number;
  /** The name of its first thread: at most 15 bytes. */
  name: string;
  /** Inode of its first thread's network namespace; 0 = unknown. */
  netns: number;
  /** A thread may be in another namespace than the first one. */
  mixed: boolean;
  /** Id of its control group as last seen; 0 = unknown. */
  cgroup: number;
  /** A thread of the kernel: what it does with sockets it does for nobody, or for somebody who cannot be told. */
  kernel: boolean;
  /** When it ended, nanoseconds of CLOCK_MONOTONIC; 0 = it lives. */
  endedNs: number;
  /** What a batch says of it; `undefined` until it has to, and again when something changed. */
  owner: Owner | undefined;
  /** The batch that named it last, and its place there (1-based). */
  batch: number;
  place: number;
}
