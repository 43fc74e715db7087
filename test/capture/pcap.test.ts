/** Classic pcap: the fixture that tshark made of a recording, and the four magic numbers. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { linked, message, pcap } from "./build-capture.ts";
import { readAll } from "./read-all.ts";

const fixture = (name: string): string => join(import.meta.dirname, "../fixtures/capture", name);
const event: Buffer = message(true, 0x100, 0x600, Buffer.from([2, 0, 0, 0]));

describe("tshark's conversion of a recording", () => {
  test.each(["lab.pcap", "lab-ns.pcap"])("to %s holds the same messages at the same times", async (name) => {
    const recorded = (await readAll(fixture("lab.pcapng"))).records.filter((record) => record.kind === "netlink");
    const { records, error, reader } = await readAll(fixture(name));
    expect([error, reader.format]).toEqual([undefined, "pcap"]);
    expect(records.length).toBeGreaterThan(20);
    // Classic pcap has no place for the namespace; the direction is told by the messages.
    expect(records).toEqual(recorded.map((record) => ({ ...record, netns: 0 })));
  });
});

describe.each([
  ["little", true],
  ["big", false],
] as const)("a %s-endian file", (_order, little) => {
  test("microseconds and nanoseconds are told apart by the magic number", async () => {
    const packet = (fraction: number) => [{ time: [1_700_000_000, fraction] as const, bytes: linked(12, event) }];
    const micros = await readAll(pcap(little, 0xa1b2c3d4, packet(123_456)));
    const nanos = await readAll(pcap(little, 0xa1b23c4d, packet(123_456_789)));
    expect(micros.records[0]!.timeMs).toBe(1_700_000_000_123.456);
    expect(nanos.records[0]!.timeMs).toBe(1_700_000_000_123.4568);
    expect(Buffer.from((micros.records[0] as { bytes: Uint8Array }).bytes)).toEqual(event);
  });

  test("packets of odd lengths follow one another without padding", async () => {
    const odd = Buffer.concat([linked(12, event), Buffer.from([1, 2, 3])]);
    const packets = [1, 2, 3].map((second) => ({ time: [second, 0] as const, bytes: odd }));
    const { records } = await readAll(pcap(little, 0xa1b2c3d4, packets), { windowBytes: 1 }, 7);
    expect(records.map((record) => record.timeMs)).toEqual([1000, 2000, 3000]);
  });
});

test("a packet that was cut when it was captured is handed out as far as it goes", async () => {
  const bytes = linked(12, event).subarray(0, 33);
  const { records, counts } = await readAll(pcap(true, 0xa1b2c3d4, [{ time: [1, 0], bytes, fullLength: 36 }]));
  expect([records.length, counts.packets]).toEqual([1, 1]);
});

test("a link type that also tells of frame check sequences, in its upper half, is the same link type", async () => {
  const packets = [{ time: [1, 0] as const, bytes: linked(12, event) }];
  expect((await readAll(pcap(true, 0xa1b2c3d4, packets, 0x14000000 | 253))).records).toHaveLength(1);
  expect((await readAll(pcap(true, 0xa1b2c3d4, packets, 0x100 | 253))).error?.code).toBe("wrong-link-type");
});
