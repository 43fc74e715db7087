/** One process as a scan keeps it, or one of its threads that has descriptors or a namespace of its own. */
import type { Owner } from "@conntrail/model";
import type { ThreadPlace } from "@conntrail/procfs";
import type { FdTable } from "./fd-table.ts";

/** What is known of a process. */
export interface ProcessEntry {
  /** Its place in the table; given to another process once this one is gone. */
  readonly slot: number;
  readonly pid: number;
  /** Its folder in /proc: that of the process, or of one of its threads that has descriptors or a namespace of its own. */
  readonly place: number | ThreadPlace;
  readonly startTicks: number;
  /** See `FdFolder`; the size as it was when it was last looked at. */
  identity: number;
  size: number;
  /** Inode of its network namespace; `undefined` when that may not be read. */
  netns: number | undefined;
  /** It runs another program since its descriptors were last read. */
  ranAnew: boolean;
  /** What the survey knows of it: it has one thread; the inode of its mount namespace. False and `undefined` when that has to be looked at. */
  single: boolean;
  mounts: number | undefined;
  /** Its descriptors may not be read. */
  denied: boolean;
  readonly fds: FdTable;
  /** Scan (counted from 1) in which it was first seen; long ago for those that the first scan found. */
  readonly bornScan: number;
  /** Scans in which its descriptors were last listed, and in which it was last found to hold a socket that was looked for. */
  listedScan: number;
  gainedScan: number;
  /** What a table says of it, once one has to. */
  owner: Owner | undefined;
  ownerScan: number;
}
