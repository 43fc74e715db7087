/** Generated recordings: the whole lives of flows, as a busy host's. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCaptureWriter } from "@conntrail/capture";
import { fixtureFlows, lifeEvents } from "../fixtures.ts";

const NETNS = 4026531833;
const NETFILTER = 12;
const START_MS = Date.UTC(2026, 0, 15, 12);
/** Capture time between two events: a busy host's. */
const STEP_MS = 0.02;

/** A file, and the events in it. */
export interface Recording {
  readonly path: string;
  readonly events: number;
}

const made = new Map<string, Promise<Recording>>();

/** The recording of a mix, made once for all samples of a process, and gone with it. */
export function recording(lives: number, nat: number): Promise<Recording> {
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
