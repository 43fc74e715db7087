/**
 * One load, several readers, one after the other in the same sample: our ingest as an agent runs it, a C loop of one recv() per event that only
 * counts (recv-loop.c), and `conntrack -E`. Generator and reader have a CPU each where there are two, and precedence over whatever else the machine
 * has to do, where that is granted (sched(7), autogroups): what is lost must be lost by the reader.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createLab, type Lab } from "@conntrail/test/lab/lab";
import type { Program } from "@conntrail/test/lab/program";
import { TRACK } from "@conntrail/test/lab/topology";

const file = (name: string): string => fileURLToPath(new URL(`./${name}`, import.meta.url));

/** What the generator made. */
export interface Made {
  readonly created: number;
  readonly events: number;
  readonly seconds: number;
}

/** What our ingest says at the end of a measurement (measure-ingest.mjs). */
export interface Ours {
  readonly events: number;
  readonly lost: number;
  readonly overruns: number;
  readonly rows: number;
  readonly processMicros: number;
  readonly threadMicros: number;
  readonly wakes: number;
  readonly flows: number;
  readonly residentBytes: number;
}

/** What the C loop says. */
export interface Loop {
  readonly events: number;
  readonly overruns: number;
  readonly cpuMicros: number;
}

/** Options of generate-flows.mjs. */
export type Load = Readonly<Record<string, number | string | true>>;

/** A namespace that tracks connections, for one contest. */
export async function arena(): Promise<Lab> {
  takePrecedence();
  const lab = await createLab("arena");
  await lab.ns("arena").nft(TRACK);
  return lab;
}

/** Runs the load to its end. */
export async function generate(lab: Lab, load: Load): Promise<Made> {
  const args = Object.entries(load).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, `${value}`],
  );
  const program = pinned(lab, 0, process.execPath, [file("generate-flows.mjs"), ...args]);
  await program.json(60_000);
  return program.json<Made>(120_000);
}

/** Starts our ingest and resolves when its first dump is complete. */
export async function startOurs(lab: Lab, options: Readonly<Record<string, unknown>> = {}): Promise<Program & Ready> {
  const program = pinned(lab, 1, process.execPath, [file("measure-ingest.mjs"), JSON.stringify(options)]);
  const ready = await program.json<Ready>(60_000);
  return Object.assign(program, ready);
}

/** What a reader says when it is ready. */
export interface Ready {
  /** From the start to the first complete batch. */
  readonly afterMs: number;
  readonly residentBytes: number;
}

/** Our ingest under a load. `settleMs`: time to read what is left. */
export async function ours(
  lab: Lab,
  load: Load,
  options: Readonly<Record<string, unknown>> = {},
  settleMs = 700,
): Promise<{ readonly made: Made; readonly result: Ours }> {
  await using program = await startOurs(lab, options);
  program.write("begin\n");
  const made = await generate(lab, load);
  await sleep(settleMs);
  program.write("end\n");
  return { made, result: await program.json<Ours>() };
}

/** The C loop under a load; undefined where there is no C compiler. */
export async function loop(lab: Lab, load: Load): Promise<{ readonly made: Made; readonly result: Loop } | undefined> {
  const binary = compiled();
  if (binary === undefined) return undefined;
  await using program = pinned(lab, 1, binary, [String(64 << 20)]);
  await program.json();
  const made = await generate(lab, load);
  return { made, result: await program.json<Loop>() };
}

/** How many of a load's events `conntrack -E` printed, with a buffer of 8 MiB. */
export async function conntrackTool(lab: Lab, load: Load): Promise<{ readonly made: Made; readonly events: number }> {
  const seconds = String(Number(load.seconds ?? 1) + 3);
  const command = `timeout -s INT ${seconds} conntrack -E -b 8388608 2>/dev/null | wc -l`;
  await using program = pinned(lab, 1, "sh", ["-c", command]);
  await sleep(300);
  const made = await generate(lab, load);
  return { made, events: Number(await program.line(() => true, 20_000)) };
}

function takePrecedence(): void {
  try {
    writeFileSync("/proc/self/autogroup", "-20");
  } catch {
    // Without autogroups, or without the right to it: then the machine should have nothing else to do.
  }
}

function pinned(lab: Lab, cpu: number, command: string, args: readonly string[]): Program {
  if (cpus().length < 2) return lab.ns("arena").spawn(command, args);
  return lab.ns("arena").spawn("taskset", ["-c", String(cpu), command, ...args]);
}

let binary: string | undefined | null = null;

function compiled(): string | undefined {
  if (binary !== null) return binary;
  const folder = mkdtempSync(join(tmpdir(), "conntrail-recv-loop-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "recv-loop");
  try {
    execFileSync("cc", ["-O2", "-o", path, file("recv-loop.c")]);
    binary = path;
  } catch {
    binary = undefined;
  }
  return binary;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
