/** The processors that are running: `/sys/devices/system/cpu/online` (Documentation/admin-guide/cputopology.rst). */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

const ONLINE = "/sys/devices/system/cpu/online";

/** Their numbers, ascending. Where the file cannot be read, as many as Node counts. */
export function onlineCpus(): number[] {
  try {
    return parseCpuList(readFileSync(ONLINE, "utf8"));
  } catch {
    return Array.from({ length: availableParallelism() }, (_, cpu) => cpu);
  }
}

/** The most processors that Linux can be built for (NR_CPUS). */
const MOST_CPUS = 8_192;

/** The numbers in a list such as `0-3,8`. What is no number or range is passed over. */
export function parseCpuList(text: string): number[] {
  const cpus = new Set<number>();
  for (const part of text.trim().split(",")) {
    const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    if (first === undefined) continue;
    const end = Math.min(Number(last ?? first), MOST_CPUS - 1);
    for (let cpu = Number(first); cpu <= end; cpu++) cpus.add(cpu);
  }
  return [...cpus].sort((a, b) => a - b);
}
