/** One process as /proc shows it now: proc_pid_stat(5), proc_pid_ns(5), proc_pid_cgroup(5), proc_pid_cmdline(5). */
import type { Owner } from "@conntrail/model";
import {
  isNotPermitted,
  isParseError,
  readNetNamespace,
  readPidCgroup,
  readPidCmdline,
  readPidStat,
  readUid,
  type UserNames,
} from "@conntrail/procfs";
import type { ProcessEntry } from "./process-entry.ts";

/** The pid of kthreadd, the parent of all threads of the kernel; 0 where it is not to be seen, as in a container's pid namespace. */
export function findKthreadd(root: string): number {
  const stat = readable(() => readPidStat(root, 2));
  return stat?.comm === "kthreadd" && stat.ppid === 0 ? 2 : 0;
}

/** The process as the table keeps it; `undefined` when it is gone. Throws OpError. */
export function readProcess(root: string, pid: number, kthreadd: number): ProcessEntry | undefined {
  const stat = readable(() => readPidStat(root, pid));
  if (stat === undefined) return undefined;
  return {
    pid,
    startTicks: stat.startTicks,
    exactStart: true,
    ppid: stat.ppid,
    name: stat.comm,
    netns: readable(() => readNetNamespace(root, pid)) ?? 0,
    mixed: true,
    cgroup: 0,
    kernel: kthreadd !== 0 && (pid === kthreadd || stat.ppid === kthreadd),
    endedNs: 0,
    owner: undefined,
    batch: 0,
    place: 0,
  };
}

/** The namespace of one thread; 0 when it cannot be had. */
export function readThreadNamespace(root: string, pid: number, tid: number): number {
  return readable(() => readNetNamespace(`${root}/${pid}/task`, tid)) ?? 0;
}

/**
 * What a batch says of a process that may live: read anew when it does and is still the same, which is when its start agrees
 * within `toleranceTicks`. Also mends the entry's start, which was reckoned. `undefined` when it is gone. Throws OpError.
 */
export function describeLiving(
  root: string,
  entry: ProcessEntry,
  toleranceTicks: number,
  commandLines: boolean,
  users: UserNames,
): Owner | undefined {
  const stat = readable(() => readPidStat(root, entry.pid));
  const tolerance = entry.exactStart ? 0 : toleranceTicks;
  if (stat === undefined || Math.abs(stat.startTicks - entry.startTicks) > tolerance) return undefined;
  entry.startTicks = stat.startTicks;
  entry.exactStart = true;
  const cgroup = readable(() => readPidCgroup(root, entry.pid));
  const uid = readable(() => readUid(root, entry.pid));
  const user = uid === undefined || cgroup?.containerId !== "" ? undefined : users.name(uid);
  return {
    pid: entry.pid,
    startTicks: stat.startTicks,
    process: entry.name === "" ? stat.comm : entry.name,
    ppid: stat.ppid,
    cmdline: (commandLines ? readable(() => readPidCmdline(root, entry.pid)) : undefined) ?? "",
    cgroup: cgroup?.path ?? "",
    containerId: cgroup?.containerId ?? "",
    ...(uid !== undefined && { uid }),
    ...(user !== undefined && { user }),
  };
}

/** `undefined` also for what may not be read, or is not what it should be: the kernel told the rest. */
function readable<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isNotPermitted(error) || isParseError(error)) return undefined;
    throw error;
  }
}
