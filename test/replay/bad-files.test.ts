/** Files that are no captures, or bad ones: what the command says, and what of them it replays. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { ReportJson } from "@conntrail/report";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { linked, message, PcapngBuilder, pcap } from "../capture/build-capture.ts";
import { type ConntrailResult, runConntrail } from "../lab/index.ts";

const SHOP = join(import.meta.dirname, "../../samples/shop.pcapng");
let folder: string;
let shop: Buffer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "conntrail-bad-"));
  shop = await readFile(SHOP);
});
afterAll(() => rm(folder, { recursive: true }));

async function replayed(bytes: Uint8Array | string, ...args: readonly string[]): Promise<ConntrailResult> {
  const path = join(folder, "bad");
  await writeFile(path, bytes);
  const result = await runConntrail(undefined, ["replay", path, "--format", "json", ...args]);
  return { ...result, stderr: result.stderr.replaceAll(path, "FILE") };
}

describe("nothing is replayed of", () => {
  test("a file that is not there", async () => {
    const { code, stdout, stderr } = await runConntrail(undefined, ["replay", join(folder, "missing.pcapng")]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^conntrail: .*ENOENT.*missing\.pcapng.*\n$/);
  });

  const made =
    (bytes: Uint8Array | string): (() => Uint8Array | string) =>
    () =>
      bytes;
  const ethernet = new PcapngBuilder(true).section().interface(1).packet(0, 1n, new Uint8Array(60)).bytes;
  const oldEthernet = pcap(true, 0xa1b2c3d4, []);
  oldEthernet.writeUInt32LE(1, 20);
  test.each([
    ["an empty file", made(""), "empty: at byte 0: no bytes"],
    [
      "a file of something else",
      made("hello\nworld\n"),
      "not-a-capture: at byte 0: expected pcapng, pcap, or text of conntrack or /proc/net/nf_conntrack",
    ],
    ["a picture", made(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 1, 2, 3, 4)), "not-a-capture: at byte 0: expected pcapng"],
    [
      "a capture of Ethernet in pcapng",
      made(ethernet),
      "wrong-link-type: at byte 28: expected link type 253 (netlink), got 1",
    ],
    [
      "a capture of Ethernet in pcap",
      made(oldEthernet),
      "wrong-link-type: at byte 20: expected link type 253 (netlink), got 1",
    ],
    ["conntrack's XML", made('<?xml version="1.0"?>\n<conntrack>\n'), "got conntrack's XML (-o xml)"],
    ["gzip of nothing", made(gzipSync("")), "empty: at byte 0"],
  ])("%s: exit 1, the offset and what was expected", async (_, bytes, said) => {
    const { code, stdout, stderr } = await replayed(bytes());
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(`conntrail: FILE: ${said.startsWith("got") ? "" : said}`);
    expect(stderr).toContain(said);
    expect(stderr.split("\n").length).toBe(2);
  });
});

describe("what is readable is replayed and counted, then exit 1 and the offset, of", () => {
  test("a recording cut in the middle of a block", async () => {
    const { code, stdout, stderr } = await replayed(shop.subarray(0, 100_001));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^conntrail: FILE: truncated: at byte \d+: \d+ of \d+ bytes of a block; replayed what was before it: \d+ messages\n$/,
    );
    const report = JSON.parse(stdout) as ReportJson;
    expect(report.connections.length).toBeGreaterThan(10);
    expect(report.health.conntrack.events).toBeGreaterThan(20);
  });

  test("a recording with a torn block", async () => {
    const torn = Buffer.from(shop);
    const at = blockAt(torn, 60_000);
    torn.writeUInt32LE(torn.readUInt32LE(at + 4) + 4, at + 4);
    const { code, stdout, stderr } = await replayed(torn);
    expect(code).toBe(1);
    expect(stderr).toContain(`corrupt: at byte ${at}: `);
    expect((JSON.parse(stdout) as ReportJson).connections.length).toBeGreaterThan(0);
  });

  test("a recording with a block of absurd length", async () => {
    const long = Buffer.from(shop);
    const at = blockAt(long, 60_000);
    long.writeUInt32LE(0xfffffff0, at + 4);
    const { code, stdout, stderr } = await replayed(long);
    expect(code).toBe(1);
    expect(stderr).toContain(`too-long: at byte ${at}: block of 4294967280 bytes`);
    expect((JSON.parse(stdout) as ReportJson).connections.length).toBeGreaterThan(0);
  });

  test("a gzip file cut in the middle", async () => {
    const whole = gzipSync(shop);
    const { code, stdout, stderr } = await replayed(whole.subarray(0, whole.length / 2));
    expect(code).toBe(1);
    expect(stderr).toContain("truncated: at byte ");
    expect((JSON.parse(stdout) as ReportJson).connections.length).toBeGreaterThan(0);
  });
});

test("events of a machine of the other byte order replay like those of this one", async () => {
  const file = (little: boolean): Uint8Array => {
    const event = linked(12, message(little, 0x100, 0x600, conntrackTuples(little)));
    return new PcapngBuilder(little).section().interface(253).packet(0, 5_000_000n, event).bytes;
  };
  const [ours, theirs] = [await replayed(file(true)), await replayed(file(false))];
  expect(ours.code).toBe(0);
  expect((JSON.parse(ours.stdout) as ReportJson).connections.length).toBe(1);
  expect(theirs.stdout).toBe(ours.stdout);
});

test("lines that cannot be read are counted and said, the rest is replayed, and that is no failure", async () => {
  const good =
    "tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=40000 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=40000 [ASSURED] mark=0 use=1\n";
  const { code, stdout, stderr } = await replayed(
    `${good}tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=x\n${good.replaceAll("40000", "40001")}`,
  );
  expect(code).toBe(0);
  expect(stderr).toMatch(/^conntrail: FILE: 1 line could not be read, the first: .*line 2.*\n$/);
  expect((JSON.parse(stdout) as ReportJson).connections.length).toBe(2);
});

test("an event that an nlmon interface shows once per listener is one event", async () => {
  const event = linked(12, message(true, 0x102, 0, conntrackTuples(true)));
  const copies = Array.from({ length: 3 }, (_, i) => ({ time: [10, i] as [number, number], bytes: event }));
  const { stdout } = await replayed(pcap(true, 0xa1b2c3d4, copies));
  const report = JSON.parse(stdout) as ReportJson;
  expect(report.connections.length).toBe(1);
  expect(report.health.conntrack.eventsByType.destroy).toBe(1);
});

/** The first block that begins at `from` or later. */
function blockAt(file: Buffer, from: number): number {
  let at = 0;
  while (at < from) at += file.readUInt32LE(at + 4);
  return at;
}

/** struct nfgenmsg and the two tuples of a UDP flow; attribute headers in the order given, the rest in network order. */
function conntrackTuples(little: boolean): Uint8Array {
  const attribute = (type: number, ...payload: readonly Uint8Array[]): Uint8Array => {
    const body = Buffer.concat(payload);
    const head = Buffer.alloc(4);
    if (little) head.writeUInt16LE(4 + body.length) && head.writeUInt16LE(type, 2);
    else head.writeUInt16BE(4 + body.length) && head.writeUInt16BE(type, 2);
    return Buffer.concat([head, body, Buffer.alloc(-body.length & 3)]);
  };
  const tuple = (type: number, source: number, destination: number, from: number, to: number): Uint8Array => {
    const ip = attribute(
      0x8001,
      attribute(1, Uint8Array.of(10, 0, 0, source)),
      attribute(2, Uint8Array.of(10, 0, 0, destination)),
    );
    const port = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 255);
    const proto = attribute(0x8002, attribute(1, Uint8Array.of(17)), attribute(2, port(from)), attribute(3, port(to)));
    return attribute(0x8000 | type, ip, proto);
  };
  return Buffer.concat([Uint8Array.of(2, 0, 0, 0), tuple(1, 1, 2, 40_000, 5000), tuple(2, 2, 1, 5000, 40_000)]);
}
