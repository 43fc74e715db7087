/** /proc/loadavg (proc_loadavg(5)): its last number is the latest pid that was given out, to a process or to a thread. */
import { readText } from "./read-file.ts";

/** The latest pid; `undefined` when the file is missing or says something else. Throws OpError. */
export function readLatestPid(root: string): number | undefined {
  const [, pid] = /\d+\/\d+ (\d+)\s*$/.exec(readText(`${root}/loadavg`) ?? "") ?? [];
  return pid === undefined ? undefined : Number(pid);
}
