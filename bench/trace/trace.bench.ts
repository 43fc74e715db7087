/**
 * What tracing costs: us, by event, beside a C loop that reads the same rings and decodes the same fields (probe.c); and the traffic itself, at the worst, a client and a
 * server that do nothing but connections over the loopback (pairs.c). Without, with ours, without, with the C loop, one after the other in each sample, so
 * that all meet the same machine. `trace/gentle` is the same at 1,000 connections a second, where the client and the server are asked what CPU a connection took them; `trace/kernel` is
 * the C loop alone, which asks the kernel for less and for more: which part of the cost of traffic is whose.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createLab, type Lab } from "@conntrail/test/lab/lab";
import { Program } from "@conntrail/test/lab/program";
import type { BenchCase, Figure, MeasureContext } from "../case.ts";

const SECONDS = 2;

/** Before ours is measured: its hot code is compiled by then. After six seconds the engine is still at it, and an event costs twice as much. */
const WARM_SECONDS = 15;
const file = (name: string): string => fileURLToPath(new URL(`./${name}`, import.meta.url));

export const cases: readonly BenchCase[] = [
  { kind: "measured", name: "trace/cost", needs: "kernel", samples: 10, measure },
  { kind: "measured", name: "trace/gentle", needs: "kernel", samples: 10, measure: measureGentle },
  { kind: "measured", name: "trace/kernel", needs: "kernel", samples: 10, measure: measureKernel },
];

interface Counted {
  readonly events: number;
  readonly lost: number;
  readonly cpuMicros: number;
}

async function measure({ progress }: MeasureContext): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "conntrail-trace-"));
  try {
    for (const name of ["pairs", "probe"]) execFileSync("cc", ["-O2", "-o", join(folder, name), file(`${name}.c`)]);
    await using lab = await createLab("host");
    progress("trace/cost");
    const without = await traffic(lab, folder);
    const ours = await under(lab, folder, process.execPath, [file("measure-trace.mjs")], true);
    const again = await traffic(lab, folder);
    const probe = await under(lab, folder, join(folder, "probe"), []);
    const cost = ({ counted }: { counted: Counted }): number => counted.cpuMicros / counted.events;
    return [
      { name: "connections without", unit: "1/s", value: without },
      {
        name: "traffic with ours ÷ without",
        unit: "×",
        value: ours.rate / without,
        target: { atLeast: 0.9, note: "issue 9" },
      },
      { name: "traffic with the C loop ÷ without", unit: "×", value: probe.rate / again },
      { name: "ours", unit: "µs/event", value: cost(ours), target: { atMost: 1, note: "issue 9" } },
      { name: "C loop", unit: "µs/event", value: cost(probe) },
      { name: "ours ÷ C loop", unit: "×", value: cost(ours) / cost(probe), target: { atMost: 1.5, note: "issue 9" } },
      { name: "ours: events", unit: "1/s", value: ours.counted.events / SECONDS },
      { name: "ours: lost", unit: "events", value: ours.counted.lost, target: { atMost: 0, note: "issue 9" } },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A rate at which a host is busy, and its processors are not. */
const GENTLE_RATE = 1_000;

async function measureGentle({ progress }: MeasureContext): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "conntrail-trace-"));
  try {
    execFileSync("cc", ["-O2", "-o", join(folder, "pairs"), file("pairs.c")]);
    await using lab = await createLab("host");
    progress("trace/gentle");
    const without = await ran(lab, folder, SECONDS, GENTLE_RATE);
    const { taken, counted } = await read(lab, folder, process.execPath, [file("measure-trace.mjs")], GENTLE_RATE);
    const each = ({ connections, cpuMicros }: Ran): number => cpuMicros / connections;
    const target = { atMost: 1.05, note: "not measurable" };
    return [
      { name: "CPU of a connection without", unit: "µs", value: each(without) },
      { name: "with ours ÷ without", unit: "×", value: each(taken) / each(without), target },
      { name: "ours", unit: "% of a core", value: counted.cpuMicros / 1e4 / taken.seconds },
      { name: "ours: lost", unit: "events", value: counted.lost, target: { atMost: 0, note: "none" } },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the kernel is asked for, in the words of probe.c. */
const ASKED: readonly { readonly name: string; readonly words: readonly string[] }[] = [
  { name: "the tracepoint alone: no hit passes the filter", words: ["nothing", "alone"] },
  { name: "the four hits of a connection", words: ["alone", "no-cgroup"] },
  { name: "the same with their control groups", words: ["alone"] },
  { name: "the same and what happens to processes", words: [] },
  { name: "the same and senders of datagrams", words: ["senders"] },
  { name: "every change of state, unfiltered by us", words: ["all", "alone", "no-cgroup"] },
];

/** Each is measured for so long. */
const SHORT_SECONDS = 0.7;

async function measureKernel({ progress }: MeasureContext): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "conntrail-trace-"));
  try {
    for (const name of ["pairs", "probe"]) execFileSync("cc", ["-O2", "-o", join(folder, name), file(`${name}.c`)]);
    await using lab = await createLab("host");
    progress("trace/kernel");
    const figures: Figure[] = [];
    for (const { name, words } of ASKED) {
      const without = await traffic(lab, folder, SHORT_SECONDS);
      await using reader = new Program(join(folder, "probe"), words);
      await reader.json();
      const ratio = (await traffic(lab, folder, SHORT_SECONDS)) / without;
      reader.signal("SIGTERM");
      await reader.json();
      figures.push({ name, unit: "× traffic", value: ratio });
    }
    return figures;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Ran {
  readonly connections: number;
  readonly seconds: number;
  readonly cpuMicros: number;
}

/** Connections for some seconds; `rate` 0: as many as go. */
async function ran(lab: Lab, folder: string, seconds = SECONDS, rate = 0): Promise<Ran> {
  return JSON.parse(await lab.ns("host").exec(join(folder, "pairs"), [String(seconds), String(rate)])) as Ran;
}

/** Connections a second. */
async function traffic(lab: Lab, folder: string, lastingSeconds = SECONDS): Promise<number> {
  const { connections, seconds } = await ran(lab, folder, lastingSeconds);
  return connections / seconds;
}

/** The same while a reader runs, and what it counted. */
async function under(lab: Lab, folder: string, command: string, args: readonly string[], warm = false) {
  const { taken, counted } = await read(lab, folder, command, args, 0, warm);
  return { rate: taken.connections / taken.seconds, counted };
}

async function read(lab: Lab, folder: string, command: string, args: readonly string[], rate: number, warm = true) {
  await using reader = new Program(command, args);
  await reader.json();
  if (warm) {
    await traffic(lab, folder, WARM_SECONDS);
    reader.signal("SIGUSR2");
    await reader.json();
  }
  const taken = await ran(lab, folder, SECONDS, rate);
  reader.signal("SIGTERM");
  return { taken, counted: await reader.json<Counted>() };
}
