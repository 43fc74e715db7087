/**
 * T1, T2 and T6: what an event costs from the kernel to the flow table, what is lost at full speed, and what a flow takes. The yardstick is a C loop
 * of one recv() per event that only counts. Events are made over ctnetlink in a namespace of their own.
 */
import type { BenchCase, Figure, MeasureContext } from "../case.ts";
import { arena, conntrackTool, generate, loop, ours, sleep, startOurs } from "./contest.ts";

/** The states of a TCP connection closed by FIN, one event each, with its creation first; DESTROY follows. */
const CONNECTION = "1,2,3,4,6,7";

const RATE = 100_000;
const SECONDS = 10;
const FLOWS = 262_144;
const KIB = 1024;

export const cases: readonly BenchCase[] = [
  {
    kind: "measured",
    name: "ingest/cpu/every-event",
    needs: "kernel",
    measure: (context) => cpu(context, { rate: RATE, seconds: SECONDS, flows: 20_000 }),
  },
  {
    kind: "measured",
    name: "ingest/cpu/tcp-connections",
    needs: "kernel",
    measure: (context) => cpu(context, { rate: RATE, seconds: SECONDS, flows: 20_000, states: CONNECTION }),
  },
  { kind: "measured", name: "ingest/full-speed", needs: "kernel", measure: fullSpeed },
  { kind: "measured", name: "ingest/forced-loss", needs: "kernel", measure: forcedLoss },
  { kind: "measured", name: "ingest/memory", needs: "kernel", measure: memory },
  { kind: "measured", name: "ingest/start", needs: "kernel", measure: start },
];

/** T1. The filter of the default policy is part of what is measured: events that it drops were events of the load. */
async function cpu({ progress }: MeasureContext, load: Parameters<typeof generate>[1]): Promise<readonly Figure[]> {
  await using lab = await arena();
  progress("ours");
  const mine = await ours(lab, load);
  progress("the C loop");
  const theirs = await loop(lab, load);
  const worker = mine.result.threadMicros / mine.made.events;
  const process = mine.result.processMicros / mine.made.events;
  const figures: Figure[] = [
    { name: "events made", unit: "events/s", value: mine.made.events / mine.made.seconds },
    { name: "ours: ingest thread", unit: "µs/event", value: worker },
    { name: "ours: whole process", unit: "µs/event", value: process },
    { name: "ours: events delivered", unit: "%", value: (mine.result.events / mine.made.events) * 100 },
    { name: "ours: events lost", unit: "events", value: mine.result.lost, target: { atMost: 0, note: "T2" } },
    { name: "ours: events per wake-up", unit: "events", value: mine.result.events / mine.result.wakes },
  ];
  if (theirs === undefined) return figures;
  const c = theirs.result.cpuMicros / theirs.made.events;
  return [
    ...figures,
    { name: "C loop", unit: "µs/event", value: c },
    { name: "ours ÷ C loop", unit: "×", value: worker / c, target: { atMost: 1, note: "T1" } },
    { name: "whole process ÷ C loop", unit: "×", value: process / c },
  ];
}

/** T2: with the defaults, as fast as the generator goes. */
async function fullSpeed({ progress }: MeasureContext): Promise<readonly Figure[]> {
  await using lab = await arena();
  const load = { seconds: SECONDS, flows: 20_000 };
  progress("ours");
  const mine = await ours(lab, load);
  progress("the C loop");
  const theirs = await loop(lab, load);
  progress("conntrack -E");
  const tool = await conntrackTool(lab, { ...load, seconds: 3 });
  const figures: Figure[] = [
    { name: "events made", unit: "events/s", value: mine.made.events / mine.made.seconds },
    { name: "ours: events seen", unit: "%", value: (mine.result.events / mine.made.events) * 100 },
    { name: "ours: events lost", unit: "events", value: mine.result.lost, target: { atMost: 0, note: "T2" } },
    { name: "ours: ingest thread", unit: "µs/event", value: mine.result.threadMicros / mine.made.events },
    { name: "conntrack -E: events seen", unit: "%", value: (tool.events / tool.made.events) * 100 },
  ];
  if (theirs === undefined) return figures;
  const c = theirs.result.cpuMicros / theirs.made.events;
  return [
    ...figures,
    { name: "C loop", unit: "µs/event", value: c },
    { name: "C loop: events seen", unit: "%", value: (theirs.result.events / theirs.made.events) * 100 },
    { name: "ours ÷ C loop", unit: "×", value: mine.result.threadMicros / mine.made.events / c },
  ];
}

/** T2: a buffer of 32 KiB that may not grow, and full speed for 10 s. */
async function forcedLoss(): Promise<readonly Figure[]> {
  await using lab = await arena();
  const small = { receiveBuffer: 32 * KIB, receiveBufferMax: 32 * KIB };
  const { made, result } = await ours(lab, { seconds: SECONDS, flows: 5_000, leave: true }, small, 2_000);
  return [
    { name: "events made", unit: "events/s", value: made.events / made.seconds },
    { name: "events lost", unit: "%", value: (result.lost / made.events) * 100 },
    { name: "overruns", unit: "", value: result.overruns },
    {
      name: "events neither seen nor counted as lost",
      unit: "events",
      value: Math.abs(made.events - result.lost - result.events),
      target: { atMost: 0, note: "T2" },
    },
    {
      name: "flows amiss 2 s after the end",
      unit: "flows",
      value: Math.abs(result.flows - 5_000),
      target: { atMost: 0, note: "T2" },
    },
  ];
}

/** T6: the ingest by itself, idle and with a full table. The table alone is in flow-table.bench.ts, the whole reporter in host/memory.bench.ts. */
async function memory({ progress }: MeasureContext): Promise<readonly Figure[]> {
  await using lab = await arena();
  const idle = await startOurs(lab);
  await sleep(2_000);
  idle.write("begin\n");
  await sleep(5_000);
  idle.write("end\n");
  const quiet = await idle.json<{ processMicros: number; residentBytes: number }>();
  progress(`making ${FLOWS} flows`);
  await generate(lab, { keep: FLOWS - 2, flows: 1 });
  const full = await startOurs(lab);
  full.write("begin\n");
  await sleep(3_000);
  full.write("end\n");
  const { flows, residentBytes } = await full.json<{ flows: number; residentBytes: number }>();
  if (flows < FLOWS - 2) throw new Error(`${flows} flows instead of ${FLOWS}`);
  return [
    { name: "process, idle", unit: "MB", value: quiet.residentBytes / 1e6 },
    { name: "CPU, idle", unit: "%", value: quiet.processMicros / 50_000 },
    { name: "process, 262,144 flows", unit: "MB", value: residentBytes / 1e6 },
    { name: "grown by, per flow", unit: "B", value: (residentBytes - quiet.residentBytes) / flows },
  ];
}

/** How long the first complete picture takes, with an empty table and a full one; beside it the same dump by `conntrack -L`. */
async function start(): Promise<readonly Figure[]> {
  await using lab = await arena();
  const empty = await startOurs(lab);
  empty.signal("SIGKILL");
  await generate(lab, { keep: FLOWS - 2, flows: 1 });
  const before = performance.now();
  await lab.ns("arena").exec("sh", ["-c", "conntrack -L >/dev/null 2>&1"]);
  const listMs = performance.now() - before;
  const full = await startOurs(lab);
  full.signal("SIGKILL");
  return [
    { name: "empty table", unit: "ms", value: empty.afterMs },
    { name: "262,144 flows", unit: "ms", value: full.afterMs },
    { name: "conntrack -L of them", unit: "ms", value: listMs },
    {
      name: "(full − empty) ÷ conntrack -L",
      unit: "×",
      value: (full.afterMs - empty.afterMs) / listMs,
      target: { atMost: 1, note: "issue 3" },
    },
  ];
}
