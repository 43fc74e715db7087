/**
 * A capture of yours, own or foreign, through everything that replay does: `npm run bench -- replay/capture --capture FILE`. To the flow table, to the reports, and on to NDJSON and to Scope's
 * JSON; events per second of CPU of the whole process, and what the process had grown to. The best of a few passes would hide what a first one costs, so there is one first, untold.
 */
import { PACKET, readCapture } from "@conntrail/capture";
import { FlowTracker } from "@conntrail/ingest";
import { encodeJson, encodeScope, type Report } from "@conntrail/report";
import { replayReports } from "@conntrail/reporter";
import type { BenchCase, Figure } from "../case.ts";

/** Set by run.ts from `--capture`. */
const FILE = process.env.CONNTRAIL_BENCH_CAPTURE;

/** What the capture has, beside how long the work took. */
interface Pass {
  readonly amount: number;
  readonly cpuSeconds: number;
}

async function pass(work: () => Promise<number>): Promise<Pass> {
  const began = process.cpuUsage();
  const amount = await work();
  const { user, system } = process.cpuUsage(began);
  return { amount, cpuSeconds: (user + system) / 1e6 };
}

/** Reads every packet and takes the events of conntrack into a table that is emptied of its news ten times a second of the capture. Returns the packets. */
async function toTable(file: string): Promise<number> {
  const reader = readCapture(file);
  const tracker = new FlowTracker();
  let packets = 0;
  let flushMs = 0;
  for await (const item of reader) {
    if (item.kind !== "packets") continue;
    packets += item.count;
    for (let i = 0; i < item.count; i++) {
      if ((item.flags[i]! & PACKET.multicast) === 0) continue;
      const { netns } = reader.sources[item.sources[i]!]!;
      tracker.apply(netns, item.block, item.offsets[i]!, item.lengths[i]!, item.timesMs[i]!);
      if (item.timesMs[i]! < flushMs) continue;
      flushMs = item.timesMs[i]! + 100;
      tracker.flush(flushMs);
    }
  }
  return packets;
}

/** Replays it whole. Returns the rows of all reports. */
async function toReports(file: string, encode: (report: Report) => unknown): Promise<number> {
  let rows = 0;
  for await (const report of replayReports(file)) {
    encode(report);
    rows += report.length;
  }
  return rows;
}

async function measure(file: string): Promise<Figure[]> {
  const { amount: packets } = await pass(() => toTable(file));
  const table = await pass(() => toTable(file));
  const plain = await pass(() => toReports(file, () => undefined));
  const json = await pass(() => toReports(file, encodeJson));
  const scope = await pass(() => toReports(file, encodeScope));
  const speed = ({ cpuSeconds }: Pass): number => packets / cpuSeconds;
  return [
    { name: "packets", unit: "packets", value: packets },
    { name: "rows of all reports", unit: "rows", value: plain.amount },
    { name: "file to flow table", unit: "packets/s CPU", value: speed(table) },
    { name: "file to reports", unit: "packets/s CPU", value: speed(plain) },
    { name: "file to NDJSON", unit: "packets/s CPU", value: speed(json) },
    { name: "file to Scope's JSON", unit: "packets/s CPU", value: speed(scope) },
    { name: "resident at the most", unit: "MB", value: process.resourceUsage().maxRSS / 1024 },
  ];
}

export const cases: readonly BenchCase[] = [
  {
    kind: "measured",
    name: "replay/capture",
    needs: () => (FILE === undefined ? "no capture was named: --capture FILE" : undefined),
    measure: () => measure(FILE!),
  },
];
