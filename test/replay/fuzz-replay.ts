/**
 * The fuzz of replay: damaged captures of every format, our samples among them, through the whole of it, to every encoder. Anything but
 * reports and a CaptureError is a finding; so is a replay that takes far longer than its file is long.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { isCaptureError } from "@conntrail/capture";
import { encodeDot, encodeJson, encodeScope, encodeTable } from "@conntrail/report";
import { type ReplayOptions, replayReports } from "@conntrail/reporter";
import { samples } from "../capture/fuzz-capture.ts";
import { mutate, seeded } from "../capture/mutate.ts";
import { chunks } from "../capture/read-all.ts";

const SAMPLES: string = join(import.meta.dirname, "../../samples");

/** What a run has seen. */
export interface ReplayFuzzTally {
  runs: number;
  reports: number;
  connections: number;
  captureErrors: number;
  slowestMs: number;
}

/** An empty tally. */
export function noReplayTally(): ReplayFuzzTally {
  return { runs: 0, reports: 0, connections: 0, captureErrors: 0, slowestMs: 0 };
}

/** What the damage begins with. */
export function replaySamples(): Uint8Array[] {
  const ours = readdirSync(SAMPLES).filter((name) => /\.pcapng/.test(name));
  const plain = ours.map((name) => {
    const bytes = readFileSync(join(SAMPLES, name));
    return name.endsWith(".gz") ? gunzipSync(bytes) : bytes;
  });
  return [...samples(), ...plain, ...plain];
}

const WAYS: readonly ReplayOptions[] = [
  {},
  { reports: "end" },
  { reports: 100 },
  { from: { afterMs: 500 }, to: { afterMs: 2_000 } },
];

/** Milliseconds of CPU. A file that takes longer is a finding: the largest replays in a quarter of a second. */
const MOST_MS = 5_000;

/** One damaged file, replayed to its end. Throws what should not have happened, with the seed in its message. */
export async function fuzzReplayOnce(seed: number, from: readonly Uint8Array[], tally: ReplayFuzzTally): Promise<void> {
  const random = seeded(seed);
  const bytes = mutate(from[random(from.length)]!, from, random);
  const began = process.cpuUsage();
  try {
    for await (const report of replayReports(chunks(bytes, 65_536), WAYS[random(WAYS.length)]!)) {
      tally.reports++;
      tally.connections += report.length;
      for (const encode of [encodeJson, encodeScope, encodeTable, encodeDot]) encode(report);
    }
  } catch (error) {
    if (!isCaptureError(error)) throw new Error(`seed ${seed}: ${(error as Error).stack}`, { cause: error });
    tally.captureErrors++;
  }
  const { user, system } = process.cpuUsage(began);
  const cpuMs = (user + system) / 1000;
  if (cpuMs > MOST_MS) throw new Error(`seed ${seed}: ${bytes.length} bytes took ${cpuMs.toFixed(0)} ms of CPU`);
  tally.slowestMs = Math.max(tally.slowestMs, cpuMs);
  tally.runs++;
}
