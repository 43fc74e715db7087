/** The laws of the format: what is written is what is read, however it is cut, packed and rotated. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CaptureRecord,
  type CaptureWriterOptions,
  createCaptureWriter,
  readCapture,
  readRecords,
} from "@conntrail/capture";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { captureRecord } from "./arbitraries.ts";
import { chunks, readAll } from "./read-all.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "conntrail-capture-"));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;

/** The bytes of a file with these records. */
async function written(records: readonly CaptureRecord[], options: CaptureWriterOptions = {}): Promise<Buffer> {
  const path = join(folder, `${files++}.pcapng`);
  const writer = await createCaptureWriter(path, { sync: false, ...options });
  for (const record of records) expect(writer.write(record)).toBe(true);
  await writer.close();
  return readFile(path);
}

describe("what is written is what is read", () => {
  const records = fc.array(captureRecord, { maxLength: 30 });

  test("for any records, plain and compressed", async () => {
    await fc.assert(
      fc.asyncProperty(records, fc.boolean(), async (given, compress) => {
        const { records: read, error, counts } = await readAll(await written(given, { compress }));
        expect(error).toBeUndefined();
        expect(read).toEqual(given);
        const packets = given.filter((record) => record.kind === "netlink").length;
        expect(counts).toMatchObject({
          packets,
          sidecars: given.length - packets,
          skippedBlocks: 0,
          badSidecars: 0,
          badPackets: 0,
        });
      }),
      { numRuns: 150 },
    );
  });

  test("in whatever pieces the bytes arrive, and however small the window", async () => {
    await fc.assert(
      fc.asyncProperty(records, fc.integer({ min: 1, max: 700 }), async (given, chunkBytes) => {
        const bytes = await written(given);
        const { records: read, error } = await readAll(bytes, { windowBytes: 1 }, chunkBytes);
        expect(error).toBeUndefined();
        expect(read).toEqual(given);
      }),
      { numRuns: 60 },
    );
  });

  test("the same records give the same bytes, wherever the chunks were cut", async () => {
    await fc.assert(
      fc.asyncProperty(records, fc.integer({ min: 1, max: 4096 }), async (given, chunkBytes) => {
        expect(await written(given, { chunkBytes })).toEqual(await written(given));
      }),
      { numRuns: 30 },
    );
  });
});

test("readRecords gives copies that outlive the reading", async () => {
  const bytes = await written(Array.from({ length: 9000 }, (_, i) => event(i)));
  const kept: CaptureRecord[] = [];
  for await (const record of readRecords(readCapture(chunks(bytes, 1000)))) kept.push(record);
  expect(kept).toEqual(Array.from({ length: 9000 }, (_, i) => event(i)));
});

test("batches hold at most 4096 packets and point at whole messages in place", async () => {
  const bytes = await written(Array.from({ length: 10_000 }, (_, i) => event(i)));
  const reader = readCapture(chunks(bytes, 1 << 20));
  let seen = 0;
  for await (const item of reader) {
    if (item.kind !== "packets") throw new Error(`no ${item.kind} was written`);
    expect(item.count).toBeLessThanOrEqual(4096);
    for (let i = 0; i < item.count; i++, seen++) {
      const offset = item.offsets[i]!;
      const view = new DataView(item.block.buffer, item.block.byteOffset + offset, item.lengths[i]!);
      expect(offset % 4).toBe(0);
      expect([view.getUint32(0, true), view.getUint32(8, true), item.timesMs[i]]).toEqual([
        24,
        seen,
        1_700_000_000_000 + seen,
      ]);
      expect(reader.sources[item.sources[i]!]).toEqual({ netns: 4026531840 + (seen % 3), family: 12 });
    }
  }
  expect(seen).toBe(10_000);
  expect(reader.sources).toHaveLength(3);
});

test("a recording of nothing is a file without records, not an error", async () => {
  const { records, error } = await readAll(await written([]));
  expect([records, error]).toEqual([[], undefined]);
});

test("a rotated recording has numbered files, each of which can be read by itself and begins with the snapshot", async () => {
  const path = join(folder, "rotated.pcapng");
  const host = { id: "h", name: "n", localNetworks: [], kernelVersion: "6", uptimeSeconds: 1 };
  const snapshot = (timeMs: number): CaptureRecord[] => [{ kind: "host", timeMs, host }];
  const writer = await createCaptureWriter(path, { rotateMs: 1000, snapshot, sync: false });
  for (let i = 0; i < 3500; i += 500) writer.write(event(i));
  await writer.close();
  expect(writer.counts).toMatchObject({ files: 4, packets: 7, dropped: 0 });
  const names = (await readdir(folder)).filter((name) => name.startsWith("rotated")).sort();
  expect(names).toEqual([
    "rotated-00001.pcapng",
    "rotated-00002.pcapng",
    "rotated-00003.pcapng",
    "rotated-00004.pcapng",
  ]);
  for (const [i, name] of names.entries()) {
    const { records, error } = await readAll(join(folder, name));
    expect(error).toBeUndefined();
    const events = [i * 1000, i * 1000 + 500].filter((at) => at < 3500);
    expect(records).toEqual([...snapshot(1_700_000_000_000 + i * 1000), ...events.map(event)]);
  }
});

test("rotation by size keeps files below the limit, and with maxFiles the newest ones", async () => {
  const path = join(folder, "sized.pcapng.gz");
  const writer = await createCaptureWriter(path, {
    rotateBytes: 64 * 1024,
    maxFiles: 2,
    compress: true,
    sync: false,
    chunkBytes: 8192,
  });
  for (let i = 0; i < 60_000; i++) {
    writer.write({ ...event(i), bytes: noise(i) });
    if (i % 500 === 0) await writer.flush();
  }
  await writer.close();
  const names = (await readdir(folder)).filter((name) => name.startsWith("sized")).sort();
  expect(writer.counts.files).toBeGreaterThan(20);
  expect(names).toEqual(
    [writer.counts.files - 1, writer.counts.files].map((n) => `sized-${String(n).padStart(5, "0")}.pcapng.gz`),
  );
  const [older, newest] = await Promise.all(names.map((name) => readAll(join(folder, name))));
  expect((await readFile(join(folder, names[0]!))).length).toBeLessThanOrEqual(64 * 1024);
  expect([older!.error, newest!.error]).toEqual([undefined, undefined]);
  const last = newest!.records.at(-1);
  expect(last?.timeMs).toBe(1_700_000_059_999);
  expect(older!.records.at(-1)!.timeMs + 1).toBe(newest!.records[0]!.timeMs);
});

test("a snapshot larger than the size limit does not give every record a file of its own", async () => {
  const path = join(folder, "large-snapshot.pcapng");
  const options = { text: "x".repeat(200_000) };
  const snapshot = (timeMs: number): CaptureRecord[] => [{ kind: "options", timeMs, options }];
  const writer = await createCaptureWriter(path, { rotateBytes: 64 * 1024, snapshot, sync: false });
  for (let i = 0; i < 1000; i++) writer.write(event(i));
  await writer.close();
  expect(writer.counts.files).toBe(1);
});

/** A message of 24 bytes that carries its number as sequence, in one of three namespaces. */
function event(i: number): CaptureRecord & { kind: "netlink" } {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 24, true);
  view.setUint32(8, i, true);
  const timeMs = 1_700_000_000_000 + i;
  return { kind: "netlink", timeMs, netns: 4026531840 + (i % 3), family: 12, outgoing: false, multicast: true, bytes };
}

/** A message that does not compress. */
function noise(seed: number): Uint8Array {
  const bytes = new Uint8Array(64);
  let state = seed + 1;
  for (let i = 0; i < bytes.length; i++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x297a2d39;
    bytes[i] = state >>> 11;
  }
  new DataView(bytes.buffer).setUint32(0, bytes.length, true);
  return bytes;
}
