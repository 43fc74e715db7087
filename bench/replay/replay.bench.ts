/**
 * Replay of a generated recording: from the file to the flow table (T7), and to the reports. Speed is per second of CPU of the whole process, so
 * that neither a second core nor a busy machine counts.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCaptureWriter, PACKET, readCapture } from "@conntrail/capture";
import { FlowTracker } from "@conntrail/ingest";
import { replayReports } from "@conntrail/reporter";
import type { BenchCase, Figure } from "../case.ts";
import { fixtureFlows, lifeEvents } from "../fixtures.ts";

const NETNS = 4026531833;
const NETFILTER = 12;
const START_MS = Date.UTC(2026, 0, 15, 12);
/** Capture time between two events: a busy host's. */
const STEP_MS = 0.02;

interface Recording {
  readonly path: string;
  readonly events: number;
}

const made = new Map<string, Promise<Recording>>();

/** The recording of a mix, made once for all samples of a process, and gone with it. */
function recording(lives: number, nat: number): Promise<Recording> {
  const key = `${lives}/${nat}`;
  const known = made.get(key) ?? writeRecording(lives, nat);
  made.set(key, known);
  return known;
}

/** The whole lives of flows, seven events each. */
async function writeRecording(lives: number, nat: number): Promise<Recording> {
  const folder = mkdtempSync(join(tmpdir(), "conntrail-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true }));
  const path = join(folder, "lives.pcapng");
  const writer = await createCaptureWriter(path, { sync: false, interfaces: [{ netns: NETNS, family: NETFILTER }] });
  const { block, offsets, lengths } = lifeEvents(fixtureFlows(lives, { nat }));
  for (const [i, offset] of offsets.entries()) {
    const facts = { timeMs: START_MS + i * STEP_MS, netns: NETNS, family: NETFILTER, outgoing: false, multicast: true };
    writer.writeDatagram(facts, block, offset, lengths[i]!);
    if (i % 10_000 === 0) await writer.flush();
  }
  await writer.close();
  return { path, events: offsets.length };
}

/** The least that replay does: reads, decodes, keeps the table, and takes the changes out of it ten times a second. */
async function toTable(path: string): Promise<number> {
  const reader = readCapture(path);
  const tracker = new FlowTracker();
  let flows = 0;
  let flushMs = 0;
  for await (const item of reader) {
    if (item.kind !== "packets") continue;
    for (let i = 0; i < item.count; i++) {
      if ((item.flags[i]! & PACKET.multicast) === 0) continue;
      tracker.apply(
        reader.sources[item.sources[i]!]!.netns,
        item.block,
        item.offsets[i]!,
        item.lengths[i]!,
        item.timesMs[i]!,
      );
      if (item.timesMs[i]! < flushMs) continue;
      flushMs = item.timesMs[i]! + 100;
      flows += tracker.flush(flushMs).count;
    }
  }
  return flows + tracker.flush(flushMs).count;
}

async function toReports(path: string): Promise<number> {
  let rows = 0;
  for await (const report of replayReports(path, { reports: 1000 })) rows += report.length;
  return rows;
}

async function eventsPerCpuSecond(events: number, run: () => Promise<number>): Promise<number> {
  const began = process.cpuUsage();
  if ((await run()) === 0) throw new Error("nothing was replayed");
  const { user, system } = process.cpuUsage(began);
  return (events * 1e6) / (user + system);
}

const LADDER = [
  [1_000, "1k"],
  [10_000, "10k"],
  [100_000, "100k"],
] as const;

function ladderCase(shape: "plain" | "nat", nat: number, lives: number, label: string): BenchCase {
  return {
    kind: "measured",
    name: `replay/file/${shape}/${label}`,
    measure: async ({ sample }) => {
      const { path, events } = await recording(lives, nat);
      if (sample === 0) {
        await toTable(path); // compiled code, file in memory
        await toReports(path);
      }
      const table = await eventsPerCpuSecond(events, () => toTable(path));
      const reports = await eventsPerCpuSecond(events, () => toReports(path));
      const target = lives === 100_000 ? { target: { atLeast: 1_000_000, note: "T7" } } : {};
      const figures: Figure[] = [
        { name: "file to flow table", unit: "events/s CPU", value: table, size: lives, ...target },
        { name: "file to reports", unit: "events/s CPU", value: reports, size: lives },
      ];
      return figures;
    },
  };
}

export const cases: readonly BenchCase[] = (["plain", "nat"] as const).flatMap((shape) =>
  LADDER.map(([lives, label]) => ladderCase(shape, shape === "nat" ? 0.25 : 0, lives, label)),
);
