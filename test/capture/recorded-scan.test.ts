/** Scans in a recording: what a scan took in comes out again, and gives the same table as the live one. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CaptureRecord,
  createCaptureWriter,
  type RecordedScan,
  readCapture,
  ScanCollector,
  scanRecords,
} from "@conntrail/capture";
import { assembleSocketTable } from "@conntrail/scan";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { facts, owner, scanAccount } from "./arbitraries.ts";
import { message } from "./build-capture.ts";
import { readAll } from "./read-all.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "conntrail-scan-"));
});
afterAll(() => rm(folder, { recursive: true }));
let files = 0;

async function written(records: Iterable<CaptureRecord>): Promise<string> {
  const path = join(folder, `${files++}.pcapng`);
  const writer = await createCaptureWriter(path, { sync: false });
  for (const record of records) expect(writer.write(record)).toBe(true);
  await writer.close();
  return path;
}

async function scansOf(path: string): Promise<{ scans: RecordedScan[]; abandoned: number }> {
  const reader = readCapture(path);
  const collector = new ScanCollector(reader);
  const scans: RecordedScan[] = [];
  for await (const item of reader) {
    const scan = collector.take(item);
    if (scan !== undefined) scans.push(scan);
  }
  return { scans, abandoned: collector.abandoned };
}

const diag = fc
  .uint8Array({ minLength: 72, maxLength: 200 })
  .map((payload) => new Uint8Array(message(true, 20, 2, payload)));
const dump = fc.oneof(
  fc.record({
    format: fc.constant("sock_diag" as const),
    netns: fc.nat(),
    protocol: fc.constantFrom(6, 17),
    bytes: fc.array(diag, { minLength: 1, maxLength: 5 }).map((parts) => new Uint8Array(Buffer.concat(parts))),
  }),
  fc.record({
    format: fc.constant("proc-net" as const),
    netns: fc.nat(),
    protocol: fc.constantFrom(6, 17),
    bytes: fc.uint8Array({ maxLength: 100 }),
  }),
);
const scan: fc.Arbitrary<RecordedScan> = fc.record({
  kind: fc.constant("scan" as const),
  startedMs: fc.nat(),
  timeMs: fc.nat(),
  cutMs: fc.option(fc.nat(), { nil: null }),
  dumps: fc.array(dump, { maxLength: 5 }),
  owners: fc.array(owner, { maxLength: 3 }),
  holders: fc.uint32Array({ maxLength: 9 }),
  namespaces: fc.array(facts, { maxLength: 3 }),
  facts: scanAccount,
});

test("what a scan took in is what comes out, and gives the same table", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(scan, { maxLength: 2 }), async (given) => {
      const { scans, abandoned } = await scansOf(await written(given.flatMap((one) => [...scanRecords(one)])));
      expect(abandoned).toBe(0);
      expect(scans).toEqual(given);
      // A table begins with room for many sockets: one in each run is enough.
      expect(scans.slice(0, 1).map(assembleSocketTable)).toEqual(given.slice(0, 1).map(assembleSocketTable));
    }),
    { numRuns: 40 },
  );
});

test("a dump longer than a packet may be is cut between messages", async () => {
  const one = new Uint8Array(message(true, 20, 2, Buffer.alloc(400)));
  const bytes = new Uint8Array(Buffer.concat(Array.from({ length: 2000 }, () => one)));
  const [given] = fc.sample(scan, { numRuns: 1, seed: 1 });
  const path = await written(
    scanRecords({ ...given!, dumps: [{ format: "sock_diag", netns: 1, protocol: 6, bytes }] }),
  );
  const { scans } = await scansOf(path);
  expect(scans[0]!.dumps.length).toBeGreaterThan(2);
  expect(scans[0]!.dumps.every((part) => part.bytes.length % one.length === 0)).toBe(true);
  expect(Buffer.concat(scans[0]!.dumps.map((part) => part.bytes)).equals(bytes)).toBe(true);
});

test("a scan that was cut off by the end of a recording, or begun anew, is given up and counted", async () => {
  const [first, second] = fc.sample(scan, { numRuns: 2, seed: 2 });
  const whole = [...scanRecords(second!)];
  const { scans, abandoned } = await scansOf(await written([...[...scanRecords(first!)].slice(0, -1), ...whole]));
  expect([scans, abandoned]).toEqual([[second], 1]);
});

test("netlink outside of a scan's dumps, requests and events are not part of it", async () => {
  const bytes = new Uint8Array(message(true, 20, 2, Buffer.alloc(72)));
  const stray = { kind: "netlink", timeMs: 1, netns: 1, family: 4, outgoing: false, multicast: false, bytes } as const;
  const [given] = fc.sample(scan, { numRuns: 1, seed: 3 });
  const records = [...scanRecords({ ...given!, dumps: [{ format: "sock_diag", netns: 1, protocol: 6, bytes }] })];
  const at = records.findIndex((record) => record.kind === "netlink");
  records.splice(
    at,
    0,
    { ...stray, outgoing: true },
    { ...stray, multicast: true },
    { ...stray, netns: 2 },
    { ...stray, family: 12 },
  );
  const path = await written([stray, ...records, stray]);
  expect((await scansOf(path)).scans[0]!.dumps).toHaveLength(1);
  expect((await readAll(path)).counts.packets).toBe(7);
});
