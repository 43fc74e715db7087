/**
 * Replay of a generated recording: from the file to the flow table (T7), and to the reports. Speed is per second of CPU of the whole process, so
 * that neither a second core nor a busy machine counts.
 */
import { PACKET, readCapture } from "@conntrail/capture";
import { FlowTracker } from "@conntrail/ingest";
import { replayReports } from "@conntrail/reporter";
import type { BenchCase, Figure } from "../case.ts";
import { recording } from "./lives-recording.ts";

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
