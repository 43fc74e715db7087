/** What is sampled of the agent, from outside (proc_pid_status(5)) and by itself, as series. */
import { readdirSync, readFileSync } from "node:fs";
import type { Measure, Sample } from "./verdict.ts";

/** What the agent says of itself. */
export interface Inside {
  readonly loopP99Ms: number;
  readonly loopWorstMs: number;
  /** By thread. Megabytes of JavaScript, and of the memory of typed arrays. */
  readonly heaps: Readonly<Record<string, { readonly heapMb: number; readonly arraysMb: number }>>;
}

/** Every series so far. */
export class Measures {
  readonly samples: Map<string, Sample[]> = new Map();

  /** Takes a sample of a process. Throws when it is gone. */
  take(pid: number, inside: Inside, atMs: number, round: number): void {
    const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))!;
    const add = (name: string, value: number): void => {
      const series = this.samples.get(name) ?? [];
      this.samples.set(name, series);
      series.push({ atMs, round, value });
    };
    add("resident memory", (Number(kibibytes) * 1024) / 1e6);
    add("descriptors", readdirSync(`/proc/${pid}/fd`).length);
    add("threads", readdirSync(`/proc/${pid}/task`).length);
    add("event loop, p99", inside.loopP99Ms);
    add("event loop, worst", inside.loopWorstMs);
    for (const [thread, { heapMb, arraysMb }] of Object.entries(inside.heaps)) {
      add(`heap of ${thread}`, heapMb);
      add(`arrays of ${thread}`, arraysMb);
    }
  }
}

/** How a series is judged. */
export function measureOf(name: string): Measure {
  if (name === "resident memory") return { name, unit: "MB", allowedPerHour: 20, take: "least" };
  if (name === "descriptors") return { name, unit: "", allowedPerHour: 6, take: "least" };
  if (name === "threads") return { name, unit: "", allowedPerHour: 2, take: "least" };
  if (name.startsWith("event loop")) return { name, unit: "ms", allowedPerHour: 5, take: "middle" };
  return { name, unit: "MB", allowedPerHour: 5, take: "least" };
}
