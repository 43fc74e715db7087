/** What a process and its threads took between two moments: /proc/PID/task (proc_pid_status(5), proc_pid_schedstat(5)). */
import { readdirSync, readFileSync } from "node:fs";

/** A stretch of a process's life. */
export interface Taken {
  /** CPU of all threads, as a share of one core in percent. */
  readonly cpuPercent: number;
  /** How often a second a thread that slept was woken. */
  readonly wakeUps: number;
  readonly residentMb: number;
}

interface Reading {
  readonly atMs: number;
  readonly cpuNs: number;
  readonly sleeps: number;
}

/** Watches a process for `ms` milliseconds. */
export async function sampleThreads(pid: number, ms: number): Promise<Taken> {
  const from = read(pid);
  await new Promise((resolve) => setTimeout(resolve, ms));
  const to = read(pid);
  const seconds = (to.atMs - from.atMs) / 1000;
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return {
    cpuPercent: (to.cpuNs - from.cpuNs) / 1e7 / seconds,
    wakeUps: (to.sleeps - from.sleeps) / seconds,
    residentMb: (Number(kibibytes) * 1024) / 1e6,
  };
}

function read(pid: number): Reading {
  let cpuNs = 0;
  let sleeps = 0;
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${tid}`;
    cpuNs += Number(readFileSync(`${folder}/schedstat`, "utf8").split(" ", 1)[0]);
    const [, voluntary] = /^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`${folder}/status`, "utf8")) ?? [];
    sleeps += Number(voluntary);
  }
  return { atMs: performance.now(), cpuNs, sleeps };
}
