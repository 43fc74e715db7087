// One first scan in a thread of its own, in a process without anything else; prints what it cost. first-pass.mjs [THREADS].
import { scanSockets } from "@conntrail/scan";
import { lastValueFrom, take } from "rxjs";

const threads = Number(process.argv[2] ?? 1);

const [began, cpu] = [performance.now(), process.cpuUsage()];
const { health } = await lastValueFrom(scanSockets({ threads }).pipe(take(1)));
const { user, system } = process.cpuUsage(cpu);
const tableMs = performance.now() - began;
console.log(
  JSON.stringify({ ms: health.durationMs, cpuMs: (user + system) / 1000, tableMs, attributed: health.attributed }),
);
