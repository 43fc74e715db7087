/** T6: what a program that embeds a reporter weighs, all threads of it: idle, and with 262,144 flows in a report every second. */
import { readFileSync } from "node:fs";
import { createLab } from "@conntrail/test/lab/lab";
import { TRACK } from "@conntrail/test/lab/topology";
import type { BenchCase, Figure, MeasureContext } from "../case.ts";

const FLOWS = 262_144;
/** The first seconds are compilation; what it takes after them is what it keeps. */
const SETTLE_MS = 15_000;
const HOST = new URL("./host.mjs", import.meta.url).pathname;
const GENERATOR = new URL("../ingest/generate-flows.mjs", import.meta.url).pathname;

export const cases: readonly BenchCase[] = [
  { kind: "measured", name: "host/memory", needs: "kernel", samples: 5, measure },
];

async function measure({ progress }: MeasureContext): Promise<readonly Figure[]> {
  await using lab = await createLab("host");
  const host = lab.ns("host");
  await host.nft(TRACK);
  const program = host.spawn(process.execPath, [HOST]);
  await program.line((line) => line === "ready", 60_000);
  progress("host/memory: idle");
  await sleep(SETTLE_MS);
  const idle = residentMegabytes(program.pid, "VmRSS");
  progress(`host/memory: making ${FLOWS} flows`);
  program.write("begin\n");
  // One more comes and goes; what other tests of the machine do is not in this namespace.
  const generator = host.spawn(process.execPath, [GENERATOR, "--keep", String(FLOWS - 2), "--flows", "1"]);
  await generator.exited;
  await sleep(SETTLE_MS);
  const full = residentMegabytes(program.pid, "VmRSS");
  const most = residentMegabytes(program.pid, "VmHWM");
  program.write("end\n");
  const { connections } = await program.json<{ connections: number }>(60_000);
  if (connections < FLOWS - 2) throw new Error(`a report of ${connections} connections, expected ${FLOWS - 2}`);
  const megabytes = (name: string, value: number): Figure => ({ name, unit: "MB", value });
  return [
    { ...megabytes("idle", idle), target: { atMost: 150, note: "T6" } },
    { ...megabytes("262,144 flows", full), target: { atMost: 400, note: "T6" } },
    megabytes("the most it ever took", most),
  ];
}

/** A field of /proc/PID/status in megabytes: proc_pid_status(5). */
function residentMegabytes(pid: number, field: "VmRSS" | "VmHWM"): number {
  const [, kibibytes] =
    new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return (Number(kibibytes) * 1024) / 1e6;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
