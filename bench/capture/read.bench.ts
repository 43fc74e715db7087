/**
 * Reading a recording of a million events: from the file to batches of messages, plain and in gzip, and on into the flow table, which is
 * what replay does with them (T7 counts both). Writing it, message by message, for what a recorder costs.
 */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCaptureWriter, PACKET, readCapture } from "@conntrail/capture";
import { FlowTracker } from "@conntrail/ingest";
import { NETLINK_FAMILY } from "@conntrail/netlink";
import type { BenchCase, Figure, MeasuredCase, TimedCase } from "../case.ts";
import { EVENTS_PER_LIFE, fixtureFlows, lifeEvents, type MessageBlock } from "../fixtures.ts";

const SIZES: readonly number[] = [10_000, 100_000, 1_000_000];
const NETNS = 4026531833;
const START_MS = 1_700_000_000_000;
/** A flush as an ingest makes it between two reports. */
const FLUSH_EVENTS = 50_000;

/** The events of whole lives of flows, repeated under new ids until there are `count`. */
function events(count: number): MessageBlock {
  return lifeEvents(fixtureFlows(Math.ceil(count / EVENTS_PER_LIFE)));
}

async function write(
  path: string,
  { block, offsets, lengths }: MessageBlock,
  count: number,
  compress: boolean,
): Promise<number> {
  const writer = await createCaptureWriter(path, { compress, sync: false });
  const facts = { timeMs: START_MS, netns: NETNS, family: NETLINK_FAMILY.netfilter, outgoing: false, multicast: true };
  const begun = performance.now();
  for (let i = 0; i < count; i++) {
    facts.timeMs = START_MS + (i >> 4);
    writer.writeDatagram(facts, block, offsets[i]!, lengths[i]!);
    // The disk gets a turn, as between two drains; nothing is dropped.
    if (i % 10_000 === 9_999) await writer.flush();
  }
  await writer.close();
  if (writer.counts.dropped > 0) throw new Error(`${writer.counts.dropped} events were dropped`);
  return performance.now() - begun;
}

async function read(path: string, count: number): Promise<number> {
  const begun = performance.now();
  let seen = 0;
  for await (const item of readCapture(path)) if (item.kind === "packets") seen += item.count;
  if (seen !== count) throw new Error(`${seen} events of ${count} were read`);
  return performance.now() - begun;
}

async function replay(path: string): Promise<number> {
  const begun = performance.now();
  const tracker = new FlowTracker();
  const reader = readCapture(path);
  let fed = 0;
  for await (const item of reader) {
    if (item.kind !== "packets") continue;
    for (let i = 0; i < item.count; i++) {
      const { netns } = reader.sources[item.sources[i]!]!;
      if ((item.flags[i]! & PACKET.multicast) !== 0) {
        tracker.apply(netns, item.block, item.offsets[i]!, item.lengths[i]!, item.timesMs[i]!);
      }
      if (++fed % FLUSH_EVENTS === 0) while (tracker.hasChanges) tracker.flush(item.timesMs[i]!);
    }
  }
  return performance.now() - begun;
}

function rate(
  name: string,
  count: number,
  elapsedMs: number,
  aim?: { readonly atLeast: number; readonly note: string },
): Figure {
  const figure = { name, unit: "events/s", value: (count / elapsedMs) * 1000, size: count };
  return aim === undefined ? figure : { ...figure, target: aim };
}

function ladder(count: number): MeasuredCase {
  const size = count >= 1_000_000 ? `${count / 1_000_000}M` : `${count / 1000}k`;
  return {
    kind: "measured",
    name: `capture/file/${size}`,
    measure: async () => {
      const folder = await mkdtemp(join(tmpdir(), "conntrail-bench-"));
      try {
        const [plain, packed] = [join(folder, "x.pcapng"), join(folder, "x.pcapng.gz")];
        const messages = events(count);
        const writing = await write(plain, messages, count, false);
        const packing = await write(packed, messages, count, true);
        const reading = await read(plain, count);
        const unpacking = await read(packed, count);
        const before = process.cpuUsage();
        const replaying = await replay(plain);
        const { user, system } = process.cpuUsage(before);
        const t7 = count === 1_000_000 ? { atLeast: 1_000_000, note: "T7" } : undefined;
        return [
          rate("write", count, writing),
          rate("write gzip", count, packing),
          rate("read", count, reading),
          rate("read gzip", count, unpacking),
          rate("read to flow table", count, replaying, t7),
          { name: "read to flow table, CPU", unit: "ns/event", value: ((user + system) * 1000) / count, size: count },
          { name: "bytes per event", unit: "B", value: (await stat(plain)).size / count, size: count },
          { name: "bytes per event, gzip", unit: "B", value: (await stat(packed)).size / count, size: count },
        ];
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  };
}

/** F14: 27,000 lines took 17 to 19 seconds there. */
const LINES = 27_000;

/** Lines as `conntrack -L -o extended,id` prints them. */
function listing(): Buffer {
  const address = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
  const lines = fixtureFlows(LINES).map(({ id, client, clientPort, visible, visiblePort, server, serverPort }) => {
    const original = `src=${address(client)} dst=${address(visible)} sport=${clientPort} dport=${visiblePort}`;
    const reply = `src=${address(server)} dst=${address(client)} sport=${serverPort} dport=${clientPort}`;
    return `ipv4     2 tcp      6 431999 ESTABLISHED ${original} ${reply} [ASSURED] mark=0 use=1 id=${id}`;
  });
  return Buffer.from(`${lines.join("\n")}\n`);
}

const text: TimedCase = {
  kind: "timed",
  name: "capture/text/27k",
  per: "line",
  count: LINES,
  size: LINES,
  setup: () => {
    const bytes = listing();
    return {
      run: async () => {
        const reader = readCapture(once(bytes));
        for await (const _ of reader);
        if (reader.counts.lines !== LINES) throw new Error(`${reader.counts.lines} lines were read`);
      },
    };
  },
};

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

export const cases: readonly BenchCase[] = [...SIZES.map(ladder), text];
